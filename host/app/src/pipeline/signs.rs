//! What extensions let a chat show: that it was read, that somebody types.
//!
//! Unlike a message such a sign is worth something at once or not at all. It goes out when the
//! event is done, if the session is connected and not too many are under way, and is never
//! repeated.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tracing::debug;
use warbler_domain::{Caller, Jid, Recipient, SessionId, SessionRef};

use super::actions::Sign;
use crate::chats::Chats;
use crate::core::Shared;

/// Signs under way at the same time; more are left out.
const UNDER_WAY: usize = 64;

/// The signs under way.
pub(crate) struct Signs(Arc<Semaphore>);

impl Signs {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(UNDER_WAY)))
    }
}

/// Shows `signs`, in order, in a chat.
pub(super) fn show(shared: &Arc<Shared>, session: SessionId, chat: &Jid, signs: Vec<Sign>) {
    let Ok(place) = Arc::clone(&shared.pipeline.signs.0).try_acquire_owned() else {
        debug!(session.id = %session, "A sign in a chat was left out: too many are under way");
        return;
    };
    let (of, chat) = (Arc::clone(shared), chat.clone());
    shared.tasks.spawn(async move {
        let _place = place;
        let chats = Chats::new(of);
        let (caller, session) = (Caller::host(), SessionRef::from(session));
        for sign in signs {
            let chat = Recipient::from(chat.clone());
            let shown = match sign {
                Sign::Read => chats.mark_read(&caller, &session, chat, None).await,
                Sign::State(state) => chats.show_state(&caller, &session, chat, state).await,
            };
            if let Err(err) = shown {
                debug!(%session, %err, "A sign in a chat could not be shown");
            }
        }
    });
}
