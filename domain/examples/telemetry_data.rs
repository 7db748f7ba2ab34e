//! Makes the data of `make bench ONLY=telemetry`: a fleet whose metrics walk at random, the same at
//! every run and on every machine.
//!
//! ```text
//! telemetry_data copy    --devices 0..1000 --rounds 0..2000        COPY BINARY of four columns
//! telemetry_data batches --devices 0..1000 --rounds 0..2000        batches for iot.ingest
//! ```
//!
//! Every device sends one message a round with all ten metrics, values of two decimals, times of
//! whole milliseconds up to 200 ms early or late. Devices take turns within a round, and messages
//! come in the order of their times. The third device of tenant bench is bench-00003. A part of the fleet or of the rounds is the same as in the
//! whole. `copy` writes device (integer, from 1), metric (integer, from 1), at (timestamptz), value
//! (double precision); `batches` writes each batch behind its length, four bytes, highest first.

use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::process::ExitCode;

use tenon_domain::identity::DeviceAddress;
use tenon_domain::telemetry::batch::BatchBuilder;
use tenon_domain::telemetry::payload::Message;
use tenon_domain::telemetry::value::Value;
use tenon_domain::time::Timestamp;

/// How a metric walks, in hundredths of its unit.
struct Walk {
    name: &'static str,
    start: i64,
    range: Range<i64>,
    /// The standard deviation of a step.
    step: i64,
}

/// What vehicles report. The widths of the steps spread from a battery's voltage to an engine's
/// speed, as those of real sensors do.
const WALKS: [Walk; 10] = [
    walk("engine_rpm", 180_000, 60_000..650_000, 2_500),
    walk("vehicle_speed", 5_400, 0..18_000, 200),
    walk("coolant_temperature", 8_500, 6_000..11_000, 15),
    walk("intake_pressure", 6_000, 2_000..10_500, 90),
    walk("throttle_position", 1_800, 0..10_000, 120),
    walk("fuel_level", 6_300, 0..10_000, 5),
    walk("battery_voltage", 1_260, 1_100..1_450, 2),
    walk("ambient_temperature", 2_100, -2_000..4_500, 3),
    walk("oil_temperature", 9_500, 6_000..13_000, 12),
    walk("engine_load", 4_200, 0..10_000, 100),
];

/// 2026-03-02T06:00:00.200Z: no message is before six, and 20,000 seconds later it is still the
/// same day.
const START_MILLIS: i64 = 1_772_431_200_200;

/// How early or late a message may be.
const JITTER_MILLIS: i64 = 200;

/// The devices that share a round, each at a place of its own.
const FLEET: u64 = 1_000;

/// Postgres counts microseconds from 2000-01-01T00:00:00Z.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

const fn walk(name: &'static str, start: i64, range: Range<i64>, step: i64) -> Walk {
    Walk {
        name,
        start,
        range,
        step,
    }
}

/// What to make.
struct Options {
    tenant: String,
    devices: Range<u64>,
    rounds: Range<u64>,
    interval_ms: u64,
    messages_per_batch: usize,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let format = arguments.next().unwrap_or_default();
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(problem) => return explain(&problem),
    };
    let output = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let written = match &*format {
        "copy" => write_copy(&options, output),
        "batches" => write_batches(&options, output),
        _ => return explain("say copy or batches"),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => explain(&error.to_string()),
    }
}

fn explain(problem: &str) -> ExitCode {
    eprintln!("telemetry_data: {problem}");
    ExitCode::FAILURE
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            tenant: "bench".to_owned(),
            devices: 0..FLEET,
            rounds: 0..2_000,
            interval_ms: 10_000,
            messages_per_batch: 1_000,
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next().unwrap_or_default();
            let invalid = || format!("{name} cannot be {value:?}");
            let range = || {
                let (from, to) = value.split_once("..").ok_or_else(invalid)?;
                let number = |text: &str| text.parse().map_err(|_| invalid());
                Ok::<_, String>(number(from)?..number(to)?)
            };
            match &*name {
                "--tenant" => options.tenant.clone_from(&value),
                "--devices" => options.devices = range()?,
                "--rounds" => options.rounds = range()?,
                "--interval-ms" => options.interval_ms = value.parse().map_err(|_| invalid())?,
                "--messages-per-batch" => {
                    options.messages_per_batch = value.parse().map_err(|_| invalid())?;
                }
                _ => return Err(format!("there is no option {name}")),
            }
        }
        Ok(options)
    }

    /// Hands every message to `push`, in the order of their times.
    fn each_message(&self, mut push: impl FnMut(&Sent) -> io::Result<()>) -> io::Result<()> {
        let mut devices: Vec<_> = self.devices.clone().map(Device::new).collect();
        let interval = self.interval_ms.cast_signed();
        let mut waiting: Vec<Sent> = Vec::new();
        for round in 0..self.rounds.end {
            let start = START_MILLIS + round.cast_signed() * interval;
            for device in &mut devices {
                let jitter = device.next_message();
                if round >= self.rounds.start {
                    let place = (device.number % FLEET).cast_signed() * interval;
                    waiting.push(Sent {
                        at_millis: start + place / FLEET.cast_signed() + jitter,
                        device: device.number,
                        values: device.values,
                    });
                }
            }
            waiting.sort_by_key(|sent| (sent.at_millis, sent.device));
            // What the next round sends is not earlier than this.
            let settled = if round + 1 == self.rounds.end {
                i64::MAX
            } else {
                start + interval - JITTER_MILLIS
            };
            let ready = waiting.partition_point(|sent| sent.at_millis < settled);
            for sent in waiting.drain(..ready) {
                push(&sent)?;
            }
        }
        Ok(())
    }
}

/// A message of a device.
struct Sent {
    at_millis: i64,
    /// From 0.
    device: u64,
    /// Hundredths.
    values: [i64; WALKS.len()],
}

/// A device whose metrics walk.
struct Device {
    number: u64,
    random: u64,
    values: [i64; WALKS.len()],
}

impl Device {
    fn new(number: u64) -> Self {
        let mut device = Self {
            number,
            random: number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x7465_6e6f_6e00,
            values: [0; WALKS.len()],
        };
        for (place, walk) in WALKS.iter().enumerate() {
            device.values[place] = walk.start;
            let far = device.step(20 * walk.step);
            device.values[place] = walk.within(walk.start + far);
        }
        device
    }

    /// Walks one step; returns how early or late the message is, in milliseconds.
    fn next_message(&mut self) -> i64 {
        for (place, walk) in WALKS.iter().enumerate() {
            let step = self.step(walk.step);
            self.values[place] = walk.within(self.values[place] + step);
        }
        let spread = u64::try_from(2 * JITTER_MILLIS + 1).unwrap_or(1);
        (self.draw() % spread).cast_signed() - JITTER_MILLIS
    }

    /// A step of the standard deviation `deviation`: four even draws add up to a normal one,
    /// nearly.
    fn step(&mut self, deviation: i64) -> i64 {
        /// The standard deviation of the sum of four draws from 0 to 65,535.
        const DEVIATION: i64 = 37_837;
        let bits = self.draw();
        let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum();
        let centred = sum.cast_signed() - 2 * 65_535;
        (centred * deviation + DEVIATION.div_euclid(2)).div_euclid(DEVIATION)
    }

    /// `SplitMix64`, by Sebastiano Vigna (public domain).
    const fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Walk {
    /// `value`, thrown back into the range where it lies beyond.
    fn within(&self, value: i64) -> i64 {
        let Range { start, end } = self.range;
        let thrown = if value < start {
            2 * start - value
        } else if value >= end {
            2 * end - value - 1
        } else {
            value
        };
        thrown.clamp(start, end - 1)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "hundredths far below 2^53 are exact"
)]
fn to_unit(hundredths: i64) -> f64 {
    hundredths as f64 / 100.0
}

/// The format is that of Postgres' COPY BINARY.
fn write_copy(options: &Options, mut output: impl Write) -> io::Result<()> {
    output.write_all(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0")?;
    options.each_message(|sent| {
        let device = i32::try_from(sent.device + 1).map_err(io::Error::other)?;
        let at = sent.at_millis * 1_000 - POSTGRES_EPOCH_MICROS;
        for (metric, value) in (1_i32..).zip(sent.values) {
            output.write_all(&4_i16.to_be_bytes())?;
            for number in [device, metric] {
                output.write_all(&4_i32.to_be_bytes())?;
                output.write_all(&number.to_be_bytes())?;
            }
            output.write_all(&8_i32.to_be_bytes())?;
            output.write_all(&at.to_be_bytes())?;
            output.write_all(&8_i32.to_be_bytes())?;
            output.write_all(&to_unit(value).to_be_bytes())?;
        }
        Ok(())
    })?;
    output.write_all(&(-1_i16).to_be_bytes())?;
    output.flush()
}

fn write_batches(options: &Options, mut output: impl Write) -> io::Result<()> {
    let mut addresses = Vec::new();
    for device in options.devices.clone() {
        let slug = format!("{}-{:05}", options.tenant, device + 1);
        let address = DeviceAddress::parse(&options.tenant, &slug).map_err(io::Error::other)?;
        addresses.push(address);
    }
    let mut builder = BatchBuilder::new();
    let mut write = |builder: BatchBuilder| {
        let bytes = builder.finish().bytes;
        let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        output.write_all(&len.to_be_bytes())?;
        output.write_all(&bytes)
    };
    options.each_message(|sent| {
        let place = usize::try_from(sent.device - options.devices.start);
        let address = &addresses[place.map_err(io::Error::other)?];
        let readings = WALKS.iter().zip(sent.values);
        let readings = readings
            .map(|(walk, value)| (walk.name.into(), Value::Float(to_unit(value))))
            .collect();
        let message = Message {
            at: Timestamp::from_micros(sent.at_millis * 1_000),
            readings,
        };
        builder.push(address, &message).map_err(io::Error::other)?;
        if builder.messages() == options.messages_per_batch {
            write(std::mem::take(&mut builder))?;
        }
        Ok(())
    })?;
    if !builder.is_empty() {
        write(builder)?;
    }
    output.flush()
}
