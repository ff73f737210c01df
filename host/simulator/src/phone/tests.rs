//! Phones among themselves, and against the client side of the engine where it is public.

mod content;
mod linking;
mod messages;

use super::{DeviceKey, Phone, PhoneError};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A phone and where others find it.
struct Party {
    phone: Phone,
    at: DeviceKey,
}

fn party(number: u64) -> Party {
    Party {
        phone: Phone::new(number),
        at: DeviceKey {
            user: format!("1555010{number:04}"),
            device: 0,
        },
    }
}

/// Opens a session towards `to` with one of its bundles.
async fn meet(from: &mut Party, to: &mut Party) -> Result<(), PhoneError> {
    let bundle = to.phone.bundle();
    from.phone.open_session(&to.at, &bundle).await
}
