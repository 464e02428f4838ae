//! What `template.yaml` says that costs something.

use yaml_serde::Value;

use crate::Error;

const FILE: &str = include_str!("../../../template.yaml");

/// What costs something by what the template says.
#[derive(Debug, Clone)]
pub struct Template {
    /// Memory of a function.
    pub memory_mb: f64,
    /// The access log's format.
    access_log: String,
    /// Minutes from one round of the schedule to the next.
    pub schedule_minutes: f64,
    /// Alarms, where somebody wants them.
    pub alarms: usize,
    /// Dashboards, where somebody wants them.
    pub dashboards: usize,
}

impl Template {
    /// The template of the repository.
    pub fn read() -> Result<Self, Error> {
        let missing = |what: &str| Error::Template(format!("has no {what}"));
        let file: Value =
            yaml_serde::from_str(FILE).map_err(|error| Error::Template(error.to_string()))?;
        let memory = at(&file, "Globals.Function.MemorySize").and_then(Value::as_f64);
        let format = at(&file, "Resources.Api.Properties.AccessLogSettings.Format");
        let schedule = "Resources.MemberCascade.Properties.Events.UnfinishedRemovals.Properties\
                        .ScheduleExpression";
        let schedule = at(&file, schedule).and_then(Value::as_str);
        let minutes = schedule.and_then(|text| {
            text.strip_prefix("rate(")?.strip_suffix(" minutes)")?.parse::<f64>().ok()
        });
        let resources = at(&file, "Resources").and_then(Value::as_mapping);
        let resources = resources.ok_or_else(|| missing("Resources"))?;
        let count = |of: &str| {
            let types = resources.values().filter_map(|one| one.get("Type")?.as_str());
            types.filter(|one| *one == of).count()
        };
        Ok(Self {
            memory_mb: memory.ok_or_else(|| missing("memory size"))?,
            access_log: format
                .and_then(Value::as_str)
                .ok_or_else(|| missing("access log"))?
                .to_owned(),
            schedule_minutes: minutes.ok_or_else(|| missing("schedule by minutes"))?,
            alarms: count("AWS::CloudWatch::Alarm"),
            dashboards: count("AWS::CloudWatch::Dashboard"),
        })
    }

    /// A call's line in the access log. What API Gateway has nothing to say of is a `-`.
    pub fn access_log_line(&self, route: &str, status: u16) -> String {
        let mut line = String::new();
        let mut rest = self.access_log.as_str();
        while let Some((before, after)) = rest.split_once("$context.") {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
            let (name, left) = after.split_at(end.unwrap_or(after.len()));
            line.push_str(before);
            line.push_str(&match name {
                "requestId" => "JKJaXmPLliAEJQw=".to_owned(),
                "identity.sourceIp" => "203.0.113.17".to_owned(),
                "routeKey" => route.to_owned(),
                "status" => status.to_string(),
                _ => "-".to_owned(),
            });
            rest = left;
        }
        line + rest
    }
}

fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_access_log_is_the_format_with_the_call_in_it() {
        let template = Template::read().unwrap();
        let line = template.access_log_line("POST /api/register-node", 201);
        let expected = r#"JKJaXmPLliAEJQw= 203.0.113.17 "POST /api/register-node" 201 "-" "-" "-""#;
        assert_eq!(line, expected);
    }
}
