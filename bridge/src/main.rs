//! Carries device messages from MQTT into Postgres.

fn main() {}
