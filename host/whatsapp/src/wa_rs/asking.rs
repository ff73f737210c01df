//! Asking the network something over the engine's connection.
//!
//! A question is one of the default engine's [`IqSpec`]s: it is written down, asked by this engine,
//! and its answer is read by the question again.

use std::time::Duration;

use ::wa_rs::Client;
use ::wa_rs::request::{InfoQuery, InfoQueryType, IqError as TheirError};
use ::wa_rs_binary::node::Node as TheirNode;
use tokio::time::timeout;
use wacore::iq::spec::IqSpec;
use wacore::request::{InfoQuery as OurQuery, InfoQueryType as OurType};
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use warbler_app::driver::DriverError;
use whatsapp_rust::{IqError, anyhow};

use super::convert;
use super::link::WaRsLink;
use crate::link::asking::{ANSWER, About, refusal};

impl WaRsLink {
    /// Waits for the answer to a question about something, at most [`ANSWER`] long.
    pub(super) async fn execute<S: IqSpec + Send + Sync>(
        &self,
        about: About,
        spec: S,
    ) -> Result<S::Response, DriverError> {
        if !self.is_up() {
            return Err(DriverError::NotConnected);
        }
        let answer = asked(&self.client, &spec, ANSWER).await;
        answer.map_err(|err| refusal(about, &anyhow::Error::from(err)))
    }

    /// Writes a stanza that has no answer.
    pub(super) async fn write(&self, node: TheirNode) -> Result<(), DriverError> {
        if !self.is_up() {
            return Err(DriverError::NotConnected);
        }
        let written = self.client.send_node(node).await;
        written.map_err(|err| DriverError::Engine(err.to_string()))
    }
}

/// Asks, and reads the answer.
pub(super) async fn asked<S: IqSpec + Sync>(
    client: &Client,
    spec: &S,
    within: Duration,
) -> Result<S::Response, IqError> {
    let question = spec.build_iq();
    let (content, namespace) = (content(&question)?, question.namespace);
    let query = InfoQuery {
        namespace,
        query_type: match question.query_type {
            OurType::Set => InfoQueryType::Set,
            OurType::Get => InfoQueryType::Get,
        },
        to: convert::jid_out(&question.to),
        target: question.target.as_ref().map(convert::jid_out),
        id: question.id,
        content,
        timeout: Some(within),
    };
    let answer = timeout(within, Box::pin(client.send_iq(query))).await;
    let answer = answer.unwrap_or(Err(TheirError::Timeout)).map_err(failed)?;
    convert::node_in(&answer, |answer| spec.parse_response(answer))
        .map_err(|err| IqError::ParseError(err.into()))?
        .map_err(IqError::ParseError)
}

fn content(question: &OurQuery<'_>) -> Result<Option<::wa_rs_binary::node::NodeContent>, IqError> {
    let Some(content) = question.content.clone() else {
        return Ok(None);
    };
    let mut carrier: Node = NodeBuilder::new("iq").build();
    carrier.content = Some(content);
    let carrier = convert::node_out(&carrier);
    carrier
        .map(|carrier| carrier.content)
        .map_err(|err| IqError::EncodeError(err.into()))
}

fn failed(error: TheirError) -> IqError {
    match error {
        TheirError::Timeout => IqError::Timeout,
        TheirError::NotConnected | TheirError::Socket(_) | TheirError::Disconnected(_) => {
            IqError::NotConnected
        }
        TheirError::ServerError { code, text } => IqError::ServerError {
            code,
            text,
            error_type: None,
            backoff: None,
        },
        TheirError::InternalChannelClosed => IqError::InternalChannelClosed,
        TheirError::ParseError(err) => IqError::ParseError(err),
    }
}
