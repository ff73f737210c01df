//! `/profile`: what a contact shows of itself.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use warbler_app::App;
use warbler_app::contacts::ContactError;
use warbler_domain::contact::PictureSize;
use warbler_domain::{Caller, Recipient};

use super::sessions::named;
use super::wire::Data;
use super::{Fault, Hub, Who};
use crate::dialect::Row;
use crate::extract::Wire;
use crate::native::in_field;

const BAD: StatusCode = StatusCode::BAD_REQUEST;

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Hub>> {
    vec![
        Row::post("/profile", Who::Key, profile)
            .about("Profile", "Shows what a contact shows of itself.")
            .reads(json!({ "session": "15550123", "target": "15550100@s.whatsapp.net" }))
            .answers(
                BAD,
                &[
                    "unknown_session",
                    "not_on_whatsapp",
                    "session_not_connected",
                ],
            ),
    ]
}

#[derive(Deserialize)]
struct Body {
    session: String,
    target: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProfileView {
    name: Option<String>,
    about: Option<String>,
    profile_pic_url: Option<String>,
    phone_number: Option<String>,
}

/// `POST /profile`
async fn profile(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<Body>,
) -> Result<Json<Data<ProfileView>>, Fault> {
    let session = named(&body.session)?;
    let target: Recipient = in_field("bad_recipient", "target", &body.target)?;
    let contacts = app.contacts();
    if let Some(number) = target.jid().phone_number() {
        let checked = contacts.check(&caller, &session, vec![number]).await?;
        if checked.iter().all(|found| found.account.is_none()) {
            let detail = "the target is not registered on WhatsApp";
            return Err(Fault::invalid("not_on_whatsapp", detail));
        }
    }
    let shown = contacts.profile(&caller, &session, target.clone()).await?;
    let size = PictureSize::Full;
    let picture = match contacts.picture(&caller, &session, target, size).await {
        Ok(picture) => Some(picture.url),
        Err(ContactError::NoPicture) => None,
        Err(err) => return Err(err.into()),
    };
    let contact = shown.contact.as_ref();
    let known = contact.and_then(|contact| contact.display_name());
    Ok(Data::of(ProfileView {
        name: known.map(str::to_owned).or(shown.profile.verified_name),
        about: shown.profile.about,
        profile_pic_url: picture,
        phone_number: shown.jid.phone_number().map(|number| number.to_string()),
    }))
}
