//! Whether a campaign's text can be written for each of its recipients, looked at before anything is
//! stored.
//!
//! What an extension writes is known only when it is written.

use std::sync::Arc;

use warbler_domain::WhatsAppId;
use warbler_domain::campaign::{Campaign, all_fields};
use warbler_domain::template::Template;
use warbler_store::campaigns::{ListId, NewRecipient};

use super::CampaignError;
use super::collect::{Collected, MAX_ANSWERS, RowError};
use super::write::{filled, template_of};
use crate::core::Shared;

/// Recipients that are looked at in one go, before others have their turn.
const PART: usize = 500;

/// What to do about a text of which nothing is left.
const EMPTY: &str = "nothing is left of the text for this recipient; fill its cells, or write what stands there \
                     instead, as in {{ name.or(\"friend\") }}";

/// What becomes of recipients whose text cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unwritable {
    /// They refuse the list.
    Refused,
    /// They are left out.
    LeftOut,
    /// They fail when they are sent to.
    Later,
}

impl Unwritable {
    /// As rows that cannot be used are dealt with.
    pub(super) fn of(skip_bad: bool) -> Self {
        match skip_bad {
            true => Self::LeftOut,
            false => Self::Refused,
        }
    }
}

/// Answers about recipients whose text cannot be written.
#[derive(Default)]
struct Answers {
    errors: Vec<RowError>,
    bad: u32,
    rows: u32,
}

impl Answers {
    /// Looks at one; whether its text can be written.
    fn fits(
        &mut self,
        campaign: &Campaign,
        template: &Template,
        row: u32,
        fields: &[(String, String)],
        id: &WhatsAppId,
    ) -> bool {
        self.rows += 1;
        let Err((code, message)) = filled(&campaign.content, template, fields, id) else {
            return true;
        };
        self.bad += 1;
        if self.errors.len() < MAX_ANSWERS {
            self.errors.push(RowError {
                row,
                column: None,
                code,
                message: match code {
                    "empty_text" => EMPTY.to_owned(),
                    _ => message,
                },
            });
        }
        false
    }

    fn refused(self) -> Result<(), CampaignError> {
        match self.bad {
            0 => Ok(()),
            bad => Err(CampaignError::BadRecipients {
                errors: self.errors,
                bad,
                rows: self.rows,
            }),
        }
    }
}

/// The recipients of a campaign as they are stored, each with the id its message will have.
///
/// Those whose text cannot be written refuse it, unless it is said otherwise.
pub(super) async fn frozen(
    shared: &Arc<Shared>,
    campaign: &Campaign,
    list: Vec<Collected>,
    unwritable: Unwritable,
) -> Result<Vec<NewRecipient>, CampaignError> {
    let template = template_to_fill(campaign)?.filter(|_| unwritable != Unwritable::Later);
    let mut answers = Answers::default();
    let mut frozen = Vec::with_capacity(list.len());
    for (index, one) in list.into_iter().enumerate() {
        if index % PART == PART - 1 {
            tokio::task::yield_now().await;
        }
        let id = WhatsAppId::new(&shared.random);
        let row = one.row;
        let new = NewRecipient {
            to: one.to,
            name: one.name,
            fields: one.fields,
            whatsapp_id: id,
        };
        let fits = match &template {
            Some(template) => {
                let fields = new.fields.iter();
                let fields = fields.map(|(name, value)| (&**name, value.as_str()));
                let fields = all_fields(&new.to, new.name.as_deref(), fields);
                answers.fits(campaign, template, row, &fields, &new.whatsapp_id)
            }
            None => true,
        };
        if fits {
            frozen.push(new);
        }
    }
    if unwritable == Unwritable::Refused {
        answers.refused()?;
    }
    Ok(frozen)
}

/// Refuses a campaign whose text cannot be written for recipients that it has.
pub(super) async fn check(shared: &Arc<Shared>, campaign: &Campaign) -> Result<(), CampaignError> {
    let Some(template) = template_to_fill(campaign)? else {
        return Ok(());
    };
    let id = campaign.id;
    let reading = shared.store.read(move |db| db.campaigns().list_of(id));
    let list: Option<ListId> = reading.await.map_err(CampaignError::Store)?;
    let list = list.ok_or(CampaignError::Unknown(id))?;
    let (mut answers, mut after) = (Answers::default(), 0);
    loop {
        let reading = shared
            .store
            .read(move |db| db.campaigns().of_list(list, after, PART as u32));
        let part = reading.await.map_err(CampaignError::Store)?;
        let Some(last) = part.last() else {
            return answers.refused();
        };
        after = last.place;
        for one in &part {
            let (fields, id) = (one.all_fields(), &one.whatsapp_id);
            answers.fits(campaign, &template, one.place, &fields, id);
        }
    }
}

/// The template of a campaign whose texts the host writes.
fn template_to_fill(campaign: &Campaign) -> Result<Option<Template>, CampaignError> {
    match &campaign.writer {
        Some(_) => Ok(None),
        None => Ok(template_of(campaign)?),
    }
}
