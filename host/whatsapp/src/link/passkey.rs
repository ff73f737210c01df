//! Linking with a passkey: what the owner's browser has signed goes to the server.

use warbler_app::driver::{DriverError, PasskeyAssertion};
use whatsapp_rust::passkey::{Assertion, build_webauthn_assertion_json};

use super::WhatsappLink;

impl WhatsappLink {
    pub(super) async fn send_passkey(&self, given: PasskeyAssertion) -> Result<(), DriverError> {
        let assertion = Assertion {
            assertion_json: build_webauthn_assertion_json(
                &given.credential,
                &given.client_data,
                &given.authenticator_data,
                &given.signature,
                given.user_handle.as_deref(),
            ),
            credential_id: given.credential,
        };
        let sent = Box::pin(self.client.send_passkey_response(assertion)).await;
        sent.map_err(|err| DriverError::Engine(err.to_string()))
    }

    pub(super) async fn finish_passkey(&self) -> Result<(), DriverError> {
        let sent = Box::pin(self.client.send_passkey_confirmation()).await;
        sent.map_err(|err| DriverError::Engine(err.to_string()))
    }
}
