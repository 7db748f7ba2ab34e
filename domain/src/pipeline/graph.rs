//! Whether every stage can be reached, and every record can come to an end.

use std::collections::BTreeSet;

use super::Definition;
use super::problem::PipelineProblem as Problem;
use crate::effect::reader::Reader;

/// Notes what is wrong with the graph of stages and transitions.
pub(super) fn check(reader: &mut Reader<Problem>, definition: &Definition) {
    let places = |is: &dyn Fn(&super::Stage) -> bool| -> BTreeSet<usize> {
        let stages = definition.stages.iter().enumerate();
        stages
            .filter(|(_, stage)| is(stage))
            .map(|(place, _)| place)
            .collect()
    };
    let starts = places(&|stage| stage.is_start);
    let ends = places(&|stage| stage.kind.is_end());
    if starts.is_empty() {
        reader.note("/stages", Problem::StartMissing);
    }
    if ends.is_empty() {
        reader.note("/stages", Problem::EndMissing);
    }
    let edges = || definition.edges.keys().copied();
    let reached = reachable(&starts, edges().collect());
    let ending = reachable(&ends, edges().map(|(from, to)| (to, from)).collect());
    for (place, stage) in definition.stages.iter().enumerate() {
        if !starts.is_empty() && !reached.contains(&place) {
            reader.note(&stage.path, Problem::Unreachable(stage.stage.clone()));
        }
        if !ends.is_empty() && !ending.contains(&place) {
            reader.note(&stage.path, Problem::EndUnreachable(stage.stage.clone()));
        }
    }
}

/// Where the edges lead from these places, themselves included.
fn reachable(from: &BTreeSet<usize>, edges: Vec<(usize, usize)>) -> BTreeSet<usize> {
    let mut reached = from.clone();
    let mut ahead: Vec<_> = from.iter().copied().collect();
    while let Some(place) = ahead.pop() {
        for &(_, to) in edges.iter().filter(|(from, _)| *from == place) {
            if reached.insert(to) {
                ahead.push(to);
            }
        }
    }
    reached
}
