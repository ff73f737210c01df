//! A session in the middle of a conversation, and what can happen to it.

use std::time::Duration;

use anyhow::Result;
use warbler_app::driver::{Inbound, LinkEnd, Outgoing};
use warbler_simulator::{Fault, Person, Scope};

use crate::world::{Lids, Session, Told, World};

/// What would answer within this.
pub(crate) const SOON: Duration = Duration::from_millis(500);

/// Whom a fault meets.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Meets {
    /// The session, connected.
    Session,
    /// The person it talks with.
    Customer,
    /// The session, at its next login.
    Login,
}

/// A session in the middle of a conversation.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) owner: Person,
    pub(crate) customer: Person,
    pub(crate) session: Session,
}

impl Scene {
    pub(crate) async fn begin() -> Result<Self> {
        let world = World::start(Lids::Told).await?;
        let owner = world.person("+15550700", "Olive")?;
        let customer = world.person("+15550701", "Carl")?;
        let session = world.connected(&owner).await?;
        customer.says(owner.number(), "hello").await?;
        session.hears().await?;
        let welcome = world.text(&customer.jid(), "welcome")?;
        session.link.send(&welcome).await?;
        customer.hears().await?;
        Ok(Self {
            world,
            owner,
            customer,
            session,
        })
    }

    pub(crate) async fn strike(&self, meets: Meets, fault: Fault) -> Result<()> {
        let scope = match meets {
            Meets::Session => Scope::from(self.owner.number()),
            Meets::Customer => Scope::from(self.customer.number()),
            Meets::Login => {
                self.session.link.close().await;
                assert_eq!(self.session.end().await?, LinkEnd::Closed);
                Scope::All
            }
        };
        self.world.network.faults().inject(scope, fault)?;
        Ok(())
    }

    /// Opens the next link, which tells the same inbox.
    pub(crate) async fn reopen(&mut self) -> Result<()> {
        let inbox = self.session.inbox.clone();
        self.session = self.world.open_with(self.session.id, inbox).await?;
        Ok(())
    }

    /// Says something to the session, and waits until it has it.
    pub(crate) async fn is_heard(&self, text: &str) -> Result<()> {
        let id = self.customer.says(self.owner.number(), text).await?;
        let session = &self.session;
        session
            .inbox
            .holds(text, |told| times_told(told, &id) > 0)
            .await
    }
}

/// How often a message came in.
pub(crate) fn times_told(told: &[Told], id: &str) -> usize {
    let is = |told: &&Told| match told {
        Told::Inbound(one) => match &**one {
            Inbound::Message(message) => message.whatsapp_id.as_str() == id,
            _ => false,
        },
        Told::Report(_) => false,
    };
    told.iter().filter(is).count()
}

/// How often somebody has heard a message.
pub(crate) fn heard(by: &Person, message: &Outgoing) -> usize {
    let id = message.whatsapp_id.as_str();
    by.heard().iter().filter(|heard| heard.id == id).count()
}
