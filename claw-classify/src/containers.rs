//! Containers and clusters: the engines, kubectl and helm.

pub(crate) mod container;
pub(crate) mod helm;
pub(crate) mod kubectl;
