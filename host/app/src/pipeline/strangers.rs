//! The grant `send = "contacts"`, looked at once more before anything is carried out.

use std::sync::Arc;

use warbler_domain::extension::{ExtensionFault, Grants, SendScope};
use warbler_domain::{Action, Event, ExtensionName, Timestamp};
use warbler_store::Error as StoreError;

use crate::core::Shared;
use crate::hook::KvReader;

/// The first message to somebody the session does not know, as the fault of the whole call.
pub(super) async fn refuse(
    shared: &Arc<Shared>,
    extension: &ExtensionName,
    grants: &Grants,
    actions: &[Action],
    event: &Event,
    now: Timestamp,
) -> Result<Option<ExtensionFault>, StoreError> {
    if grants.send != SendScope::Contacts {
        return Ok(None);
    }
    let reader = KvReader::new(shared.store.clone(), extension.clone(), now);
    for to in actions.iter().filter_map(Action::recipient) {
        if event.chat() == Some(to) || reader.knows(event.session, to.clone()).await? {
            continue;
        }
        let message = format!(
            "sending to people the session does not know is not granted: the manifest must ask for it ([capabilities] \
             send = \"any\") and the operator must grant it: [extensions.grants.\"{extension}\"] send = \"any\""
        );
        return Ok(Some(ExtensionFault::new("not-granted", message, now)));
    }
    Ok(None)
}
