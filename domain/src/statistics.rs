//! Statistics of anyone's readings, whole or in parts that are put together later.

pub mod fill;
pub mod lttb;
