//! The machines on which the suites are repeated.

use crate::cli::Matrix;
use crate::machine::{Chipset, Machine};

const MEMORIES_MIB: [u32; 2] = [128, 4096];
const CHIPSETS: [Chipset; 2] = [Chipset::Pc, Chipset::Q35];
const CPUS: [&str; 3] = ["max", "Haswell", "qemu64"];
const CPU_COUNTS: [u32; 2] = [1, 4];

/// The machines of a part of the matrix, each otherwise like `base`.
pub(crate) fn machines(part: Matrix, base: &Machine) -> Vec<Machine> {
    let machine = |chipset, memory_mib, cpu: &str, n_cpus| Machine {
        chipset,
        memory_mib,
        cpu: cpu.to_owned(),
        n_cpus,
        ..base.clone()
    };
    match part {
        Matrix::None => Vec::new(),
        Matrix::Ci => vec![
            machine(Chipset::Pc, 128, "Haswell", 1),
            machine(Chipset::Q35, 4096, "max", 4),
            machine(Chipset::Pc, 4096, "qemu64", 1),
        ],
        Matrix::Full => {
            let mut machines = Vec::new();
            for chipset in CHIPSETS {
                for memory_mib in MEMORIES_MIB {
                    for cpu in CPUS {
                        machines.extend(
                            CPU_COUNTS.map(|n_cpus| machine(chipset, memory_mib, cpu, n_cpus)),
                        );
                    }
                }
            }
            machines
        }
    }
}

/// What stands before the ids of tests that run on `machine`.
pub(crate) fn prefix(machine: &Machine) -> String {
    let Machine {
        memory_mib,
        n_cpus,
        cpu,
        chipset,
        ..
    } = machine;
    format!("qemu[{}-{memory_mib}-{cpu}-{n_cpus}].", chipset.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Accelerator;

    fn base() -> Machine {
        Machine {
            memory_mib: 512,
            n_cpus: 1,
            cpu: "max".to_owned(),
            chipset: Chipset::Q35,
            accelerator: Accelerator::Tcg,
            is_counting_instructions: false,
            date: None,
            has_pci_serial_port: false,
        }
    }

    /// CI's part has every value of every dimension, and each of its machines is one of the full matrix.
    #[test]
    fn ci_has_every_value() {
        let part = machines(Matrix::Ci, &base());
        assert!(
            MEMORIES_MIB
                .iter()
                .all(|value| part.iter().any(|machine| machine.memory_mib == *value))
        );
        assert!(
            CHIPSETS
                .iter()
                .all(|value| part.iter().any(|machine| machine.chipset == *value))
        );
        assert!(
            CPUS.iter()
                .all(|value| part.iter().any(|machine| machine.cpu == *value))
        );
        assert!(
            CPU_COUNTS
                .iter()
                .all(|value| part.iter().any(|machine| machine.n_cpus == *value))
        );
        let full = machines(Matrix::Full, &base())
            .iter()
            .map(prefix)
            .collect::<Vec<_>>();
        assert!(part.iter().all(|machine| full.contains(&prefix(machine))));
    }

    /// The full matrix has every combination once, under a name of its own.
    #[test]
    fn full_is_every_combination() {
        let mut names = machines(Matrix::Full, &base())
            .iter()
            .map(prefix)
            .collect::<Vec<_>>();
        assert_eq!(
            names.len(),
            MEMORIES_MIB.len() * CHIPSETS.len() * CPUS.len() * CPU_COUNTS.len()
        );
        names.sort();
        names.dedup();
        assert_eq!(names.len(), machines(Matrix::Full, &base()).len());
        assert_eq!(names[0], "qemu[pc-128-Haswell-1].");
    }
}
