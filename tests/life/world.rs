//! The sessions, their contacts, and the host between them, doing what is planned.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use warbler_simulator::{Fault, FaultError, Network, Person, Scope};
use warbler_tests::{Api, HostProcess, PATIENCE, link, reaches_state};

use super::plan::{IN_GROUP, Lane, Step};

/// How many sessions are linked at the same time.
const LINKING: usize = 8;
/// How long a request is tried while the host is down.
const TRIED_FOR: Duration = Duration::from_secs(60);

/// A PNG of one pixel.
pub(super) const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\xdac\x64\xf8\xcf\x50\x0f\0\x03\x86\x01\x80\x5a\x34\x7d\x6b\0\0\0\0IEND\xaeB`\x82";

/// One session, and who it has to do with.
pub(super) struct Circle {
    pub(super) lane: Lane,
    pub(super) name: String,
    pub(super) owner: Person,
    pub(super) contacts: Vec<Person>,
    /// The group it shares with the first of them.
    pub(super) group: String,
    api: Api,
    network: Network,
}

/// A host with its sessions linked, each among its contacts.
pub(super) struct World {
    pub(super) host: HostProcess,
    pub(super) network: Network,
    pub(super) circles: Vec<Arc<Circle>>,
}

impl World {
    pub(super) async fn begins(dir: &Path, network: Network, lanes: Vec<Lane>) -> Result<Self> {
        let binary = env!("CARGO_BIN_EXE_host-under-test");
        let quick = "silence = \"2s\"\nping_timeout = \"1s\"\n";
        let host = HostProcess::start_with(binary, dir, &network, quick).await?;
        let mut circles = Vec::with_capacity(lanes.len());
        let mut lanes = lanes.into_iter();
        loop {
            let mut linking = JoinSet::new();
            for lane in lanes.by_ref().take(LINKING) {
                linking.spawn(Circle::formed(lane, host.api().clone(), network.clone()));
            }
            if linking.is_empty() {
                break;
            }
            for circle in linking.join_all().await {
                circles.push(Arc::new(circle?));
            }
        }
        circles.sort_by_key(|circle| circle.lane.session);
        Ok(Self {
            host,
            network,
            circles,
        })
    }

    /// Waits until every session is connected.
    pub(super) async fn is_whole(&self) -> Result<()> {
        for circle in &self.circles {
            reaches_state(self.host.api(), &circle.name, "connected").await?;
        }
        Ok(())
    }
}

impl Circle {
    async fn formed(lane: Lane, api: Api, network: Network) -> Result<Self> {
        let session = lane.session;
        let name = format!("session-{session}");
        let owner = network.person(&format!("+1777{session:07}"), &format!("Owner {session}"))?;
        let contacts: Vec<Person> = (0..lane.contacts)
            .map(|contact| {
                let number = format!("+1666{session:04}{contact:03}");
                network.person(&number, &format!("Contact {session}.{contact}"))
            })
            .collect::<Result<_, _>>()?;
        link(&api, &name, &owner).await?;
        let members: Vec<&Person> = contacts.iter().take(IN_GROUP).collect();
        let group = owner
            .creates_group(&format!("Circle {session}"), &members)
            .await?;
        Ok(Self {
            lane,
            name,
            owner,
            contacts,
            group,
            api,
            network,
        })
    }

    pub(super) fn contact(&self, at: usize) -> Result<&Person> {
        self.contacts.get(at).context("a contact of the circle")
    }

    /// Does all that is planned for it, and counts what is done.
    pub(super) async fn lives(&self, done: &watch::Sender<usize>) -> Result<()> {
        for (number, step) in self.lane.steps.iter().enumerate() {
            self.does(number, step)
                .await
                .with_context(|| format!("{} at step {number}: {step:?}", self.name))?;
            done.send_modify(|done| *done += 1);
        }
        Ok(())
    }

    async fn does(&self, number: usize, step: &Step) -> Result<()> {
        match step {
            Step::In { by, text, picture } => {
                let (contact, to) = (self.contact(*by)?, self.owner.number());
                match picture {
                    true => {
                        let caption = Some(text.as_str());
                        contact.sends_image(to, PIXEL, "image/png", caption).await?;
                    }
                    false => {
                        contact.says(to, text).await?;
                    }
                }
            }
            Step::Out { to, text, picture } => {
                let to = self.contact(*to)?.jid();
                let body = match picture {
                    true => {
                        json!({ "to": to, "image": { "data": BASE64.encode(PIXEL), "caption": text } })
                    }
                    false => json!({ "to": to, "text": text }),
                };
                self.sends(number, body).await?;
            }
            Step::InGroup { by, text } => {
                self.contact(*by)?.says(&self.group, text).await?;
            }
            Step::OutGroup { text } => {
                self.sends(number, json!({ "to": self.group, "text": text }))
                    .await?;
            }
            Step::Away { contact } => self.contact(*contact)?.goes_offline(),
            Step::Back { contact } => self.contact(*contact)?.comes_online(),
            Step::Reads { contact } => {
                let contact = self.contact(*contact)?;
                if let Some(last) = contact.heard().last() {
                    contact.reads(last);
                }
            }
            Step::Trouble(faults) => {
                for fault in faults {
                    self.suffers(&self.owner, fault)?;
                }
            }
            Step::TroubleOf { contact, fault } => self.suffers(self.contact(*contact)?, fault)?,
        }
        Ok(())
    }

    fn suffers(&self, person: &Person, fault: &Fault) -> Result<()> {
        let scope = match fault {
            // The media server does not know who asks.
            Fault::MediaError { .. } => Scope::All,
            _ => Scope::Account(person.number().to_owned()),
        };
        match self.network.faults().inject(scope, fault.clone()) {
            // There is trouble enough.
            Ok(_) | Err(FaultError::TooMany) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Has the host accept a message, once, however often the host is killed meanwhile.
    async fn sends(&self, number: usize, body: Value) -> Result<()> {
        let path = format!("/v1/sessions/{}/messages", self.name);
        let key = format!("{}-{number}", self.name);
        let deadline = tokio::time::Instant::now() + TRIED_FOR;
        loop {
            let asked = self.api.post_once(&path, &key, body.clone()).await;
            match asked {
                Ok(answer) if answer.status == 202 => return Ok(()),
                Ok(answer) if answer.status < 500 => {
                    bail!("refused with {}: {}", answer.status, answer.body)
                }
                _ if tokio::time::Instant::now() > deadline => {
                    bail!("nobody answers")
                }
                // The host is down, or was killed before it answered.
                _ => tokio::time::sleep(PATIENCE / 200).await,
            }
        }
    }
}
