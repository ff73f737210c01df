//! The device record: the session's own keys and who it is linked to.

use async_trait::async_trait;
use wacore::store::Device;
use wacore::store::error::Result;
use wacore::store::traits::DeviceStore;

use super::{Keys, from_json, space, to_json};

#[async_trait]
impl DeviceStore for Keys {
    async fn save(&self, device: &Device) -> Result<()> {
        self.put(space::DEVICE, Vec::new(), to_json(device)?).await
    }

    async fn load(&self) -> Result<Option<Device>> {
        let stored = self.get(space::DEVICE, Vec::new()).await?;
        stored.map(|bytes| from_json(&bytes)).transpose()
    }

    async fn exists(&self) -> Result<bool> {
        Ok(self.get(space::DEVICE, Vec::new()).await?.is_some())
    }

    /// Nothing to do: the record is made by the first [`DeviceStore::save`], and the number the
    /// engine gives to devices means nothing here.
    async fn create(&self) -> Result<i32> {
        Ok(1)
    }
}
