//! `/profile`: what a contact shows of itself.

use serde::Deserialize;
use serde_json::json;
use warbler_app::contacts::ContactError;
use warbler_domain::Recipient;
use warbler_domain::contact::PictureSize;

use super::sessions::named;
use super::{Answer, BAD, Call, Fault, Hub, Who, data};
use crate::dialect::Row;
use crate::extract::Wire;
use crate::native::in_field;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Hub>> {
    let refused = [
        "unknown_session",
        "not_on_whatsapp",
        "session_not_connected",
    ];
    vec![Row::post("/profile", Who::Key, profile).answers(BAD, &refused)]
}

#[derive(Deserialize)]
struct Body {
    session: String,
    target: String,
}

/// `POST /profile`
async fn profile(call: Call, Wire(body): Wire<Body>) -> Answer {
    let caller = &call.caller;
    let session = named(&body.session)?;
    let target: Recipient = in_field("bad_recipient", "target", &body.target)?;
    let contacts = call.app.contacts();
    if let Some(number) = target.jid().phone_number() {
        let checked = contacts.check(caller, &session, vec![number]).await?;
        if checked.iter().all(|found| found.account.is_none()) {
            let detail = "the target is not registered on WhatsApp";
            return Err(Fault::invalid("not_on_whatsapp", detail));
        }
    }
    let shown = contacts.profile(caller, &session, target.clone()).await?;
    let size = PictureSize::Full;
    let picture = match contacts.picture(caller, &session, target, size).await {
        Ok(picture) => Some(picture.url),
        Err(ContactError::NoPicture) => None,
        Err(err) => return Err(err.into()),
    };
    let contact = shown.contact.as_ref();
    let known = contact.and_then(|contact| contact.display_name());
    Ok(data(json!({
        "name": known.or(shown.profile.verified_name.as_deref()),
        "about": shown.profile.about,
        "profilePicUrl": picture,
        "phoneNumber": shown.jid.phone_number().map(|number| number.to_string()),
    })))
}
