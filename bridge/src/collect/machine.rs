//! Measures the machine that this runs on.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sysinfo::{
    Components, CpuRefreshKind, DiskUsage, Disks, MemoryRefreshKind, Networks, RefreshKind, System,
};

use crate::replay::columns::clean_name;

/// The parts of the machine; what cannot be measured on this system is absent.
pub struct Machine {
    system: Option<System>,
    disks: Option<Disks>,
    networks: Option<Networks>,
    components: Option<Components>,
}

/// Readings by their metrics' names.
type Readings = Map<String, Value>;

impl Machine {
    /// Finds out what there is.
    #[must_use]
    pub fn new() -> Self {
        let wanted = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_usage())
            .with_memory(MemoryRefreshKind::everything());
        Self {
            system: System::new_with_specifics(wanted).ok(),
            disks: Disks::new_with_refreshed_list().ok(),
            networks: Networks::new_with_refreshed_list().ok(),
            components: Components::new_with_refreshed_list().ok(),
        }
    }

    /// Measures now. Names end in their unit; those in `_total` only grow until the machine
    /// restarts.
    pub fn measure(&mut self) -> Readings {
        let mut readings = Readings::new();
        if let Ok(load) = System::load_average() {
            put(&mut readings, "load_1m", rounded(load.one, 2));
            put(&mut readings, "load_5m", rounded(load.five, 2));
            put(&mut readings, "load_15m", rounded(load.fifteen, 2));
        }
        if let Ok(seconds) = System::uptime() {
            put(&mut readings, "uptime_seconds", seconds);
        }
        if let Some(system) = &mut self.system {
            measure_system(system, &mut readings);
        }
        if let Some(disks) = &mut self.disks {
            disks.refresh(true);
            measure_disks(disks, &mut readings);
        }
        if let Some(networks) = &mut self.networks {
            networks.refresh(true);
            measure_networks(networks, &mut readings);
        }
        if let Some(components) = &mut self.components {
            components.refresh(false);
            measure_temperatures(components, &mut readings);
        }
        readings
    }
}

fn put(readings: &mut Readings, name: &str, value: impl Into<Value>) {
    readings.insert(name.to_owned(), value.into());
}

fn measure_system(system: &mut System, readings: &mut Readings) {
    system.refresh_cpu_usage();
    system.refresh_memory();
    put(
        readings,
        "cpu_percent",
        rounded(f64::from(system.global_cpu_usage()), 1),
    );
    let (total, available) = (system.total_memory(), system.available_memory());
    put(readings, "memory_total_bytes", total);
    put(readings, "memory_available_bytes", available);
    put(
        readings,
        "memory_used_percent",
        percent(total.saturating_sub(available), total),
    );
    put(readings, "swap_used_bytes", system.used_swap());
}

/// The disk with the root folder, or else the largest one; and what all disks together have read
/// and written, each counted once however often it is mounted.
fn measure_disks(disks: &Disks, readings: &mut Readings) {
    let root = disks.iter().find(|disk| disk.mount_point() == "/");
    if let Some(disk) = root.or_else(|| disks.iter().max_by_key(|disk| disk.total_space())) {
        let (size, free) = (disk.total_space(), disk.available_space());
        put(readings, "disk_free_bytes", free);
        put(
            readings,
            "disk_used_percent",
            percent(size.saturating_sub(free), size),
        );
    }
    let usages: BTreeMap<_, _> = disks
        .iter()
        .map(|disk| (disk.name(), disk.usage()))
        .collect();
    let sum = |part: fn(&DiskUsage) -> u64| usages.values().map(part).sum::<u64>();
    put(
        readings,
        "disk_read_bytes_total",
        sum(|usage| usage.total_read_bytes),
    );
    put(
        readings,
        "disk_written_bytes_total",
        sum(|usage| usage.total_written_bytes),
    );
}

/// What all networks together have carried, but for the machine's talk with itself.
fn measure_networks(networks: &Networks, readings: &mut Readings) {
    let outside = || {
        networks
            .iter()
            .filter(|(name, _)| *name != "lo" && *name != "lo0")
    };
    let received: u64 = outside().map(|(_, network)| network.total_received()).sum();
    let sent: u64 = outside()
        .map(|(_, network)| network.total_transmitted())
        .sum();
    put(readings, "network_received_bytes_total", received);
    put(readings, "network_sent_bytes_total", sent);
}

/// The highest temperature among the sensors of one name.
fn measure_temperatures(components: &Components, readings: &mut Readings) {
    let mut highest = BTreeMap::<String, f32>::new();
    for component in components {
        let label = clean_name(component.label());
        if let Some(degrees) = component
            .temperature()
            .filter(|degrees| degrees.is_finite())
            && (1..=64).contains(&label.len())
        {
            let found = highest.entry(label).or_insert(degrees);
            *found = found.max(degrees);
        }
    }
    for (label, degrees) in highest {
        put(
            readings,
            &format!("temperature_{label}_celsius"),
            rounded(f64::from(degrees), 1),
        );
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

fn rounded(value: f64, decimals: i32) -> Value {
    let scale = 10_f64.powi(decimals);
    Value::from((value * scale).round() / scale)
}

#[expect(clippy::cast_precision_loss, reason = "a percentage has three digits")]
fn percent(part: u64, whole: u64) -> Value {
    if whole == 0 {
        Value::from(0)
    } else {
        rounded(part as f64 / whole as f64 * 100.0, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_memory_and_a_load() {
        let readings = Machine::new().measure();
        assert!(readings["memory_total_bytes"].as_u64() > Some(0));
        assert!(readings["load_1m"].is_number());
        assert!(readings.values().all(Value::is_number));
    }

    #[test]
    fn a_share_of_nothing_is_nothing() {
        assert_eq!(percent(1, 0), Value::from(0));
        assert_eq!(percent(1, 3), Value::from(33.3));
    }
}
