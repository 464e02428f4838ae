//! The two calls of a registration, ready to be sent.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, Put, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use serde_json::Value;

use crate::Error;
use crate::answers::{Answers, READ, WRITE};

const TABLE: &str = "muster";

pub(crate) struct Calls {
    keys: KeysAndAttributes,
    actions: Vec<TransactWriteItem>,
}

impl Calls {
    /// The calls that were sent.
    pub(crate) fn of(answers: &Answers) -> Result<Self, Error> {
        let read = answers.sent(READ);
        let keys = read.pointer(&format!("/RequestItems/{TABLE}/Keys")).and_then(Value::as_array);
        let keys = keys.into_iter().flatten().map(item).collect::<Option<_>>();
        let keys = KeysAndAttributes::builder().set_keys(keys).consistent_read(true).build();
        let write = answers.sent(WRITE);
        let actions = write.get("TransactItems").and_then(Value::as_array);
        let actions = actions.into_iter().flatten().map(action).collect::<Result<Vec<_>, _>>()?;
        if actions.len() == 2 {
            Ok(Self { keys: keys.map_err(Error::work)?, actions })
        } else {
            Err(Error::work("the registration of a node is not a put and a use"))
        }
    }

    pub(crate) async fn send(&self, client: &Client) -> Result<(), Error> {
        let read = client
            .batch_get_item()
            .request_items(TABLE, self.keys.clone())
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send();
        read.await.map_err(Error::work)?;
        let write = client
            .transact_write_items()
            .set_transact_items(Some(self.actions.clone()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send();
        write.await.map_err(Error::work)?;
        Ok(())
    }
}

fn action(sent: &Value) -> Result<TransactWriteItem, Error> {
    let on_failure = Some(ReturnValuesOnConditionCheckFailure::AllOld);
    let action = TransactWriteItem::builder();
    let text =
        |action: &Value, name: &str| action.get(name).and_then(Value::as_str).map(str::to_owned);
    let items = |action: &Value, name: &str| action.get(name).and_then(item);
    let action = match (sent.get("Put"), sent.get("Update")) {
        (Some(put), None) => action.put(
            Put::builder()
                .table_name(TABLE)
                .set_item(items(put, "Item"))
                .set_condition_expression(text(put, "ConditionExpression"))
                .set_return_values_on_condition_check_failure(on_failure)
                .build()
                .map_err(Error::work)?,
        ),
        (None, Some(update)) => action.update(
            Update::builder()
                .table_name(TABLE)
                .set_key(items(update, "Key"))
                .set_update_expression(text(update, "UpdateExpression"))
                .set_condition_expression(text(update, "ConditionExpression"))
                .set_expression_attribute_values(items(update, "ExpressionAttributeValues"))
                .set_return_values_on_condition_check_failure(on_failure)
                .build()
                .map_err(Error::work)?,
        ),
        _ => return Err(Error::work("the registration of a node is not a put and a use")),
    };
    Ok(action.build())
}

fn item(sent: &Value) -> Option<HashMap<String, AttributeValue>> {
    sent.as_object()?.iter().map(|(name, sent)| Some((name.clone(), value(sent)?))).collect()
}

fn value(sent: &Value) -> Option<AttributeValue> {
    let (kind, sent) = sent.as_object()?.iter().next()?;
    let text = || sent.as_str().map(str::to_owned);
    Some(match kind.as_str() {
        "S" => AttributeValue::S(text()?),
        "N" => AttributeValue::N(text()?),
        "BOOL" => AttributeValue::Bool(sent.as_bool()?),
        "M" => AttributeValue::M(item(sent)?),
        "L" => AttributeValue::L(sent.as_array()?.iter().map(value).collect::<Option<_>>()?),
        _ => return None,
    })
}
