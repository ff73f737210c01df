//! The settings an account's devices share, as encrypted patches that follow one another.
//!
//! The phone keeps nothing of its own: it reads all patches of a collection from the first one
//! ([`Phone::replay`]), and can append one that continues them ([`Replay::patch`]).

use std::collections::HashMap;
use std::sync::Arc;

use rand::RngExt;
use wacore::appstate::hash::{HashState, generate_patch_mac};
use wacore::appstate::schemas::Schema;
use wacore::appstate::{
    AppStateError, ExpandedAppStateKeys, Mutation, encode_record, expand_app_state_keys,
    process_patch,
};
use waproto::buffa::MessageField;
use waproto::codec::{syncd_patch_decode, syncd_patch_to_vec};
use waproto::whatsapp as wa;
use waproto::whatsapp::syncd_mutation::SyncdOperation;

use super::{Phone, PhoneError};

const BROKEN: PhoneError = PhoneError::Malformed("the app state");

/// A collection as it stands after its last patch.
pub(crate) struct Replay {
    state: HashState,
    /// The MAC of the value each index has now.
    values: HashMap<Vec<u8>, Vec<u8>>,
    /// Everything that was ever set or removed, oldest first.
    pub(crate) mutations: Vec<Mutation>,
    keys: Arc<ExpandedAppStateKeys>,
    key_id: Vec<u8>,
    iv: [u8; 16],
}

impl Phone {
    /// Reads every patch of a collection and checks each one.
    pub(crate) fn replay(
        &mut self,
        collection: &str,
        patches: &[Vec<u8>],
    ) -> Result<Replay, PhoneError> {
        let (key_id, key) = self.account.app_state_key();
        let keys = Arc::new(expand_app_state_keys(key));
        let key_id = key_id.to_vec();
        let mut replay = Replay {
            state: HashState::default(),
            values: HashMap::new(),
            mutations: Vec::new(),
            keys,
            key_id,
            iv: self.rng.random(),
        };
        for patch in patches {
            replay.apply(collection, patch)?;
        }
        Ok(replay)
    }
}

impl Replay {
    fn apply(&mut self, collection: &str, patch: &[u8]) -> Result<(), PhoneError> {
        let patch = syncd_patch_decode(patch).map_err(|_| BROKEN)?;
        let (keys, key_id, values) = (&self.keys, &self.key_id, &self.values);
        let done = process_patch(
            &patch,
            &mut self.state,
            |asked| {
                if asked == key_id.as_slice() {
                    Ok(Arc::clone(keys))
                } else {
                    Err(AppStateError::MissingKeyId)
                }
            },
            |index| Ok(values.get(index).cloned()),
            true,
            collection,
        )
        .map_err(|_| BROKEN)?;
        for index in done.removed_index_macs {
            self.values.remove(&index);
        }
        for added in done.added_macs {
            self.values.insert(added.index_mac, added.value_mac);
        }
        self.mutations.extend(done.mutations);
        Ok(())
    }

    /// The version after the last patch.
    pub(crate) fn version(&self) -> u64 {
        self.state.version
    }

    /// The patch that sets one value, to be appended to those read.
    pub(crate) fn patch(
        mut self,
        schema: &Schema,
        target: &str,
        value: &wa::SyncActionValue,
    ) -> Result<Vec<u8>, PhoneError> {
        let collection = schema.collection.as_str();
        let index = serde_json::to_vec(&[schema.name, target]).map_err(|_| BROKEN)?;
        let version = i32::try_from(schema.version).map_err(|_| BROKEN)?;
        let (mutation, _) = encode_record(
            SyncdOperation::SET,
            &index,
            value,
            &self.keys,
            &self.key_id,
            &self.iv,
            version,
        );
        let mutations = vec![mutation];
        let (_, hashed) = self
            .state
            .update_hash(&mutations, |index, _| Ok(self.values.get(index).cloned()));
        hashed.map_err(|_| BROKEN)?;
        self.state.version += 1;
        let snapshot_mac = self
            .state
            .generate_snapshot_mac(collection, &self.keys.snapshot_mac);
        let mut patch = wa::SyncdPatch {
            snapshot_mac: Some(snapshot_mac),
            key_id: MessageField::some(wa::KeyId {
                id: Some(self.key_id),
            }),
            mutations,
            ..Default::default()
        };
        let mac = generate_patch_mac(&patch, collection, &self.keys.patch_mac, self.state.version);
        patch.patch_mac = Some(mac);
        Ok(syncd_patch_to_vec(&patch))
    }
}
