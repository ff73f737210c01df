//! Places on the map.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place on the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// North of the equator, from -90 to 90 degrees.
    pub latitude: Degrees,
    /// East of Greenwich, from -180 to 180 degrees.
    pub longitude: Degrees,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Its postal address.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// Whether it moves: only received, never sent.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub live: bool,
}

/// An angle, kept in ten-millionths of a degree: a centimetre on the ground.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Degrees(i32);

/// A number that is no latitude or longitude.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} goes from -{most} to {most} degrees")]
pub struct BadDegrees {
    what: &'static str,
    most: u8,
}

impl Degrees {
    const PARTS: f64 = 10_000_000.0;

    /// A latitude.
    pub fn latitude(degrees: f64) -> Result<Self, BadDegrees> {
        Self::within(degrees, "a latitude", 90)
    }

    /// A longitude.
    pub fn longitude(degrees: f64) -> Result<Self, BadDegrees> {
        Self::within(degrees, "a longitude", 180)
    }

    fn within(degrees: f64, what: &'static str, most: u8) -> Result<Self, BadDegrees> {
        if degrees.is_finite() && degrees.abs() <= f64::from(most) {
            // At most 1.8 thousand million, which fits.
            Ok(Self((degrees * Self::PARTS).round() as i32))
        } else {
            Err(BadDegrees { what, most })
        }
    }

    /// In degrees.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / Self::PARTS
    }
}

impl TryFrom<f64> for Degrees {
    type Error = BadDegrees;

    fn try_from(degrees: f64) -> Result<Self, BadDegrees> {
        Self::within(degrees, "an angle", 180)
    }
}

impl From<Degrees> for f64 {
    fn from(degrees: Degrees) -> Self {
        degrees.as_f64()
    }
}

impl fmt::Debug for Degrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}°", self.as_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_off_the_globe_is_refused() {
        assert!(Degrees::latitude(90.0).is_ok());
        assert!(Degrees::latitude(90.000_1).is_err());
        assert!(Degrees::longitude(-180.0).is_ok());
        assert!(Degrees::longitude(f64::NAN).is_err());
    }
}
