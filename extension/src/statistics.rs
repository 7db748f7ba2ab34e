//! Statistics of anyone's table: aggregates that give partials, and what partials answer.

mod candlestick;
mod counter;
mod fill;
mod heartbeat;
mod lttb;
mod moments;
mod partial;
mod percentiles;
mod states;
mod time_weight;
