//! How large an item is, by DynamoDB's rules.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>

use serde_json::Value;

/// Bytes that an item takes, from its JSON as it goes over the wire.
pub fn bytes(item: &Value) -> usize {
    item.as_object().into_iter().flatten().map(|(name, value)| name.len() + attribute(value)).sum()
}

fn attribute(value: &Value) -> usize {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else {
        return 0;
    };
    let text = || value.as_str().unwrap_or_default();
    match kind.as_str() {
        "S" => text().len(),
        // Two digits a byte, and one more; another for a sign.
        "N" => {
            let digits = text().trim_start_matches('-').len();
            digits.div_ceil(2) + 1 + usize::from(text().starts_with('-'))
        }
        "M" => 3 + value.as_object().map_or(0, serde_json::Map::len) + bytes(value),
        "L" => {
            let elements = value.as_array().into_iter().flatten();
            3 + elements.map(|element| 1 + attribute(element)).sum::<usize>()
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_item_is_its_names_and_its_values() {
        assert_eq!(bytes(&json!({"pk": {"S": "abc"}})), 5);
        assert_eq!(bytes(&json!({"n": {"N": "1900000000"}})), 1 + 6);
        assert_eq!(bytes(&json!({"l": {"L": [{"S": "ab"}, {"S": "c"}]}})), 1 + 3 + 3 + 2);
        assert_eq!(bytes(&json!({"m": {"M": {"a": {"S": "b"}}}})), 1 + 3 + 1 + 2);
    }
}
