//! The machine: how much of its processors and its memory this server and its readers
//! take, over the last day. Kept in memory: what was before a restart is not worth a write.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use docmill_core::time::Timestamp;
use docmill_engine::Engine;
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};
use tokio::sync::watch;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Samples kept: a day of them.
const KEPT: usize = 24 * 3600 / 5;

/// What was taken at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    /// When.
    pub(crate) at: Timestamp,
    /// Processors kept busy: 1.5 is one and a half.
    pub(crate) processors: f32,
    /// Memory, in bytes.
    pub(crate) memory: u64,
    /// Processes: the server and its readers.
    pub(crate) processes: u32,
}

/// See the module. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    samples: Arc<Mutex<VecDeque<Sample>>>,
    /// Memory of the whole machine, in bytes; zero before the first look.
    total_memory: Arc<std::sync::atomic::AtomicU64>,
}

impl Machine {
    /// Looks until `stop` is true.
    pub(crate) async fn watch(self, engine: Engine, mut stop: watch::Receiver<bool>) {
        let Ok(me) = sysinfo::get_current_pid() else {
            return;
        };
        let mut system = System::new_with_specifics(
            RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()),
        );
        self.total_memory
            .store(system.total_memory(), std::sync::atomic::Ordering::Relaxed);
        let mut every = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            // The list of processes is read from files, but never from a disk.
            let sample = look(&mut system, me, engine.now());
            let mut samples = self.samples();
            samples.push_back(sample);
            if samples.len() > KEPT {
                samples.pop_front();
            }
        }
    }

    /// Memory of the whole machine, in bytes.
    pub(crate) fn total_memory(&self) -> u64 {
        self.total_memory.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The last look.
    pub(crate) fn last(&self) -> Option<Sample> {
        self.samples().back().copied()
    }

    /// What was taken from a time on, in at most `points` means, oldest first.
    pub(crate) fn since(&self, from: Timestamp, points: usize) -> Vec<Sample> {
        let samples: Vec<Sample> = self
            .samples()
            .iter()
            .filter(|it| it.at >= from)
            .copied()
            .collect();
        let step = samples.len().div_ceil(points.max(1)).max(1);
        samples.chunks(step).map(mean).collect()
    }

    fn samples(&self) -> MutexGuard<'_, VecDeque<Sample>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn look(system: &mut System, me: Pid, at: Timestamp) -> Sample {
    let what = ProcessRefreshKind::nothing()
        .with_cpu()
        .with_memory()
        .without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    let ours = system
        .processes()
        .iter()
        .filter(|(pid, process)| **pid == me || process.parent() == Some(me));
    let mut sample = Sample {
        at,
        processors: 0.0,
        memory: 0,
        processes: 0,
    };
    for (_, process) in ours {
        sample.processors += process.cpu_usage() / 100.0;
        sample.memory += process.memory();
        sample.processes += 1;
    }
    sample
}

/// One sample for several: mean of processors, peak of the rest.
#[expect(clippy::cast_precision_loss, reason = "a mean for people")]
fn mean(samples: &[Sample]) -> Sample {
    let first = samples.first().copied();
    let start = first.unwrap_or(Sample {
        at: Timestamp(0),
        processors: 0.0,
        memory: 0,
        processes: 0,
    });
    Sample {
        at: start.at,
        processors: samples.iter().map(|it| it.processors).sum::<f32>() / samples.len().max(1) as f32,
        memory: samples.iter().map(|it| it.memory).max().unwrap_or(0),
        processes: samples.iter().map(|it| it.processes).max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_time_is_told_in_few_points() {
        let machine = Machine::default();
        for second in 0..1000_u32 {
            machine.samples().push_back(Sample {
                at: Timestamp(i64::from(second) * 5000),
                processors: if second % 2 == 0 { 1.0 } else { 2.0 },
                memory: u64::from(second),
                processes: 1,
            });
        }
        let points = machine.since(Timestamp(2_500_000), 100);
        assert_eq!(points.len(), 100);
        assert_eq!(points[0].at, Timestamp(2_500_000));
        assert!(
            points.iter().all(|it| (it.processors - 1.5).abs() < 0.21),
            "{points:?}"
        );
        assert_eq!(points[99].memory, 999);
    }

    #[test]
    fn the_process_that_looks_is_seen() {
        let mut system = System::new();
        let sample = look(&mut system, sysinfo::get_current_pid().unwrap(), Timestamp(0));
        assert!(sample.processes >= 1);
        assert!(sample.memory > 1_000_000, "{sample:?}");
    }
}
