//! Asking the network something, with a time limit, and what its refusals mean.

use std::time::Duration;

use tokio::time::timeout;
use warbler_app::driver::DriverError;
use whatsapp_rust::{ErrorChainExt, anyhow};

use super::WhatsappLink;

/// Longest wait for an answer of the network.
pub(crate) const ANSWER: Duration = Duration::from_secs(30);

/// What a request is about, for the answer that there is no such thing.
pub(crate) type About = &'static str;

/// An invitation: the network calls a worthless one unacceptable.
pub(crate) const INVITATION: About = "invitation";

impl WhatsappLink {
    /// Waits for the answer to a request about something, at most [`ANSWER`] long.
    pub(super) async fn ask<T, E>(
        &self,
        about: About,
        asked: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, DriverError>
    where
        E: Into<anyhow::Error>,
    {
        if !self.is_up() {
            return Err(DriverError::NotConnected);
        }
        match timeout(ANSWER, Box::pin(asked)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(err)) => Err(refusal(about, &err.into())),
            Err(_) => Err(DriverError::Timeout(ANSWER)),
        }
    }
}

/// What a failed request means.
pub(crate) fn refusal(about: About, error: &anyhow::Error) -> DriverError {
    let cause: &(dyn std::error::Error + 'static) = error.as_ref();
    if let Some(rejection) = cause.server_rejection() {
        return match rejection.code {
            401 | 403 | 405 => DriverError::NotAllowed(rejection.text.to_owned()),
            404 | 410 => DriverError::NotFound(about),
            406 if about == INVITATION => DriverError::NotFound(about),
            429 => DriverError::TooMany,
            code => DriverError::Engine(format!("the server answered {code} {}", rejection.text)),
        };
    }
    if cause.is_transport_unavailable() {
        DriverError::NotConnected
    } else if cause.is_timeout() {
        DriverError::Timeout(ANSWER)
    } else {
        DriverError::Engine(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use whatsapp_rust::{GroupError, IqError};

    fn rejected(about: About, code: u16) -> DriverError {
        let error = GroupError::Iq(IqError::ServerError {
            code,
            text: "no".to_owned(),
            error_type: None,
            backoff: None,
        });
        refusal(about, &error.into())
    }

    #[test]
    fn a_refusal_is_named_where_its_code_is_known() {
        assert_eq!(
            rejected("group", 403),
            DriverError::NotAllowed("no".to_owned())
        );
        assert_eq!(rejected("group", 404), DriverError::NotFound("group"));
        assert_eq!(rejected(INVITATION, 406), DriverError::NotFound(INVITATION));
        assert_eq!(rejected("group", 429), DriverError::TooMany);
        assert!(matches!(rejected("group", 406), DriverError::Engine(_)));
        let gone = GroupError::Iq(IqError::NotConnected);
        assert_eq!(refusal("group", &gone.into()), DriverError::NotConnected);
        let late = GroupError::Iq(IqError::Timeout);
        assert_eq!(refusal("group", &late.into()), DriverError::Timeout(ANSWER));
    }
}
