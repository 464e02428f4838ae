"""What a stack has made, looked up where it is rather than in the stack."""

import boto3
from botocore.exceptions import ClientError

from programs import Failed

# Each goes with what it is part of.
PARTS = {
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolResourceServer",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
}

# By kind: the service, the call, the parameter that is the physical id, and the list in the answer, of a call that
# answers with one.
LOOKS = {
    "AWS::ApiGatewayV2::Api": ("apigatewayv2", "get_api", "ApiId", None),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "describe_alarms", "AlarmNamePrefix", "MetricAlarms"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch", "get_dashboard", "DashboardName", None),
    "AWS::Cognito::UserPool": ("cognito-idp", "describe_user_pool", "UserPoolId", None),
    "AWS::Cognito::UserPoolDomain": ("cognito-idp", "describe_user_pool_domain", "Domain", "DomainDescription"),
    "AWS::DynamoDB::Table": ("dynamodb", "describe_table", "TableName", None),
    "AWS::IAM::Role": ("iam", "get_role", "RoleName", None),
    "AWS::Lambda::EventSourceMapping": ("lambda", "get_event_source_mapping", "UUID", None),
    "AWS::Lambda::Function": ("lambda", "get_function", "FunctionName", None),
    "AWS::Logs::LogGroup": ("logs", "describe_log_groups", "logGroupNamePrefix", "logGroups"),
    "AWS::SNS::Topic": ("sns", "get_topic_attributes", "TopicArn", None),
    "AWS::SQS::Queue": ("sqs", "get_queue_attributes", "QueueUrl", None),
    "AWS::Scheduler::Schedule": ("scheduler", "get_schedule", "Name", None),
}


def whole(resources):
    """Those resources of a stack that are not part of another: kind and physical id by logical id."""
    return {name: one for name, one in resources.items() if one[0] not in PARTS}


def there(resources):
    """The logical ids of those that are there."""
    return {name for name, (kind, physical) in whole(resources).items() if is_there(kind, physical)}


def is_there(kind, physical):
    if kind not in LOOKS:
        raise Failed(f"tests/deployed/inventory.py does not know how to look for a resource of {kind}")
    service, call, parameter, listed = LOOKS[kind]
    try:
        answer = getattr(boto3.client(service), call)(**{parameter: physical})
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 404):
            return False
        raise
    if kind == "AWS::Logs::LogGroup":
        # Lambda makes a group anew for the last words of a call that is still going on. The stack's are kept for a time.
        return any("retentionInDays" in group for group in answer[listed])
    return bool(answer[listed]) if listed else True
