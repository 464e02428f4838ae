"""The OpenAPI document that SAM makes of a function's HttpApi events, as the resources that it stands for.

API Gateway reads routes, integrations and authorizers out of AWS::ApiGatewayV2::Api's Body; the emulator reads nothing
there.
"""

API = "AWS::ApiGatewayV2::Api"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "any"}


def name_of(*parts):
    """A logical id, which has letters and digits alone."""
    return "".join(c for part in parts for c in part.title() if c.isalnum())


def expand(template):
    """The template with every API's Body written out."""
    resources = {}
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == API and "Body" in resource["Properties"]:
            properties = dict(resource["Properties"])
            body = properties.pop("Body")
            properties.pop("FailOnWarnings", None)
            properties |= {"Name": body["info"]["title"], "ProtocolType": "HTTP"}
            resources[logical_id] = {**resource, "Properties": properties}
            resources |= written_out(logical_id, body)
        else:
            resources[logical_id] = resource
    return {**template, "Resources": resources}


def written_out(api, body):
    """The authorizers, integrations and routes of an OpenAPI document."""
    schemes = body.get("components", {}).get("securitySchemes", {})
    authorizers = {scheme: name_of(api, scheme, "Authorizer") for scheme in schemes}
    resources = {authorizers[scheme]: authorizer(api, scheme, said) for scheme, said in schemes.items()}
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            if method.removeprefix("x-amazon-apigateway-").removesuffix("-method") in METHODS:
                method = "ANY" if "any" in method else method.upper()
                integration, route = name_of(api, method, path, "Integration"), name_of(api, method, path, "Route")
                resources[integration] = integration_of(api, operation["x-amazon-apigateway-integration"])
                resources[route] = route_of(api, f"{method} {path}", integration, operation, authorizers)
    return resources


def authorizer(api, name, scheme):
    said = scheme["x-amazon-apigateway-authorizer"]
    jwt = said["jwtConfiguration"]
    return {
        "Type": "AWS::ApiGatewayV2::Authorizer",
        "Properties": {
            "ApiId": {"Ref": api},
            "Name": name,
            "AuthorizerType": said["type"].upper(),
            "IdentitySource": [said["identitySource"]],
            "JwtConfiguration": {"Issuer": jwt["issuer"], "Audience": jwt["audience"]},
        },
    }


def integration_of(api, said):
    return {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {
            "ApiId": {"Ref": api},
            "IntegrationType": said["type"].upper(),
            "IntegrationMethod": said["httpMethod"],
            "IntegrationUri": said["uri"],
            "PayloadFormatVersion": said["payloadFormatVersion"],
        },
    }


def route_of(api, key, integration, operation, authorizers):
    properties = {
        "ApiId": {"Ref": api},
        "RouteKey": key,
        "Target": {"Fn::Join": ["/", ["integrations", {"Ref": integration}]]},
        "AuthorizationType": "NONE",
    }
    for security in operation.get("security", []):
        for scheme, scopes in security.items():
            # SAM writes a scheme called NONE to a route that is open.
            if scheme in authorizers:
                properties |= {
                    "AuthorizationType": "JWT",
                    "AuthorizerId": {"Ref": authorizers[scheme]},
                    "AuthorizationScopes": scopes,
                }
    return {"Type": "AWS::ApiGatewayV2::Route", "Properties": properties}
