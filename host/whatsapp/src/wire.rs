//! What leaves a link waits for its keys.
//!
//! A key of the ratchet that a frame was written with must outlive a crash, or its reader cannot
//! read what follows, asks for it again, and gets it behind what came meanwhile. Reading a message
//! makes such a key, and the next message to its sender is written with it. So before a frame is
//! handed to the connection, what reading has changed is given to the store, and everything the
//! store was given is on disk. An engine that does not hand its keys over within a second, or cannot,
//! holds nothing up: that frame is as safe as its counters, which the engine stores itself. Keys that
//! the engine takes for stored and that could not be end the connection. Keys that wait for their
//! message ([`crate::keys`]) hold up what was sent with them, and nothing else.
//!
//! While the server still brings what it kept for the session, only the second holds: the engine then
//! writes its keys before it acknowledges, and nothing is sent yet.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use wacore::net::{Transport, TransportEvent, TransportFactory};
use whatsapp_rust::{anyhow, async_channel};

use crate::keys::Keys;
use crate::lines::Lines;
use crate::transport::{Connection, TransportError, Transports};

/// Makes the connections of one link of the default engine.
pub(crate) struct Wires {
    pub(crate) transports: Transports,
    pub(crate) keys: Keys,
    pub(crate) lines: Arc<Lines>,
}

/// One connection.
struct Wire {
    connection: Connection,
    keys: Keys,
    lines: Arc<Lines>,
}

#[async_trait]
impl TransportFactory for Wires {
    async fn create_transport(
        &self,
    ) -> anyhow::Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>)> {
        let (connection, receiver) = self.transports.open().await?;
        let wire = Wire {
            connection,
            keys: self.keys.clone(),
            lines: Arc::clone(&self.lines),
        };
        Ok((Arc::new(wire), receiver))
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, data: Bytes) -> anyhow::Result<()> {
        let _leaving = self.keys.intake().leaves();
        let stored = async {
            if self.lines.is_live() {
                self.keys.intake().write_keys().await;
            }
            self.keys.release().await;
            self.keys.stored().await
        };
        tokio::select! {
            stored = stored => stored?,
            () = self.connection.closed() => return Err(TransportError::Closed.into()),
        }
        Ok(self.connection.write(data).await?)
    }

    async fn disconnect(&self) {
        self.connection.end().await;
    }
}
