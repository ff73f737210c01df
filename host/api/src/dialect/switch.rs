//! Unsafe behaviour that documents prescribe, each to be opened by its name.

use std::fmt;
use std::str::FromStr;

/// A behaviour that a document prescribes and that is closed unless the operator opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Switch {
    /// `gateway`: the list of sessions shows tokens and QRs to everybody.
    GatewayPublicSessionList,
    /// `gateway`: the legacy endpoints send for everybody.
    GatewayLegacyNoAuth,
    /// `manager`: everybody may do everything.
    ManagerNoAuth,
    /// `manager`: everybody may send by the webhook of a session.
    ManagerOpenInboundWebhook,
    /// `suite`: logging out does nothing; the token stays good.
    SuiteStatelessLogout,
    /// `suite`: an API key changes the account it is for.
    SuiteApiKeyAccountActions,
    /// `suite`: everybody is told the numbers of the whole host.
    SuiteGlobalStats,
    /// Secrets of webhooks are shown again.
    EchoWebhookSecrets,
    /// `hub`: whoever registers chooses its own role.
    HubSelfAssignedRole,
    /// `hub`: a password is changed without the one before.
    HubPasswordWithoutCurrent,
    /// `hub`: cleaning up deletes everybody's idle sessions.
    HubGlobalCleanup,
}

impl Switch {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::GatewayPublicSessionList,
        Self::GatewayLegacyNoAuth,
        Self::ManagerNoAuth,
        Self::ManagerOpenInboundWebhook,
        Self::SuiteStatelessLogout,
        Self::SuiteApiKeyAccountActions,
        Self::SuiteGlobalStats,
        Self::EchoWebhookSecrets,
        Self::HubSelfAssignedRole,
        Self::HubPasswordWithoutCurrent,
        Self::HubGlobalCleanup,
    ];

    /// Its name in `documented_unsafe`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GatewayPublicSessionList => "gateway.public-session-list",
            Self::GatewayLegacyNoAuth => "gateway.legacy-no-auth",
            Self::ManagerNoAuth => "manager.no-auth",
            Self::ManagerOpenInboundWebhook => "manager.open-inbound-webhook",
            Self::SuiteStatelessLogout => "suite.stateless-logout",
            Self::SuiteApiKeyAccountActions => "suite.api-key-account-actions",
            Self::SuiteGlobalStats => "suite.global-stats",
            Self::EchoWebhookSecrets => "echo-webhook-secrets",
            Self::HubSelfAssignedRole => "hub.self-assigned-role",
            Self::HubPasswordWithoutCurrent => "hub.password-without-current",
            Self::HubGlobalCleanup => "hub.global-cleanup",
        }
    }

    /// What it lets happen, as a sentence for the log.
    pub const fn danger(self) -> &'static str {
        match self {
            Self::GatewayPublicSessionList => {
                "everybody can read the tokens of all sessions of the gateway and use them"
            }
            Self::GatewayLegacyNoAuth => {
                "everybody can send messages by every session of the gateway"
            }
            Self::ManagerNoAuth => "everybody can use, and delete, every session of the host",
            Self::ManagerOpenInboundWebhook => {
                "everybody can send messages by every session of the host"
            }
            Self::SuiteStatelessLogout => "the token of a login stays good after logging out",
            Self::SuiteApiKeyAccountActions => {
                "whoever has an API key can take its account over, or delete it"
            }
            Self::SuiteGlobalStats => "every user is told how much all users do",
            Self::EchoWebhookSecrets => "whoever may see a webhook can sign for it",
            Self::HubSelfAssignedRole => "whoever may register can register as an admin",
            Self::HubPasswordWithoutCurrent => {
                "whoever has the token of a login can change its password"
            }
            Self::HubGlobalCleanup => "every user can delete the idle sessions of all users",
        }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no documented unsafe behaviour; there are {all}", all = names())]
pub struct BadSwitch(String);

fn names() -> String {
    Switch::ALL.map(Switch::as_str).join(", ")
}

impl FromStr for Switch {
    type Err = BadSwitch;

    fn from_str(name: &str) -> Result<Self, BadSwitch> {
        let found = Self::ALL.into_iter().find(|known| known.as_str() == name);
        found.ok_or_else(|| BadSwitch(name.chars().take(64).collect()))
    }
}
