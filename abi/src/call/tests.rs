//! The calls' numbers and descriptions.

use super::*;

/// Call numbers are dense but for the retired ones, in order, and found again; any other number is unknown.
#[test]
fn abi_call_numbers_are_dense() {
    let numbers = (0..Call::END).filter(|number| !RETIRED.contains(number));
    for (index, number) in numbers.enumerate() {
        let call = Call::ALL[index];
        assert_eq!(call as u64, number);
        assert_eq!(Call::from_number(number), Some(call));
        assert_eq!(SPECIFICATIONS[index].call, call);
    }
    let others = [Call::END, 1 << 31, 1 << 32, u64::MAX];
    for number in RETIRED.iter().copied().chain(others) {
        assert_eq!(Call::from_number(number), None);
    }
}

/// A call takes no more arguments than there are registers for, and every structure it names is followed by its size.
#[test]
fn abi_every_structure_is_passed_with_its_size() {
    for specification in SPECIFICATIONS {
        let arguments = specification.arguments;
        let n_registers = specification.registers().len();
        assert!(arguments.len() <= n_registers, "{}", specification.name);
        for (_, argument) in arguments {
            if let Structure(name, _) | Array(name, _) = argument {
                let has_size = arguments.iter().any(|(_, other)| *other == SizeOf(name));
                assert!(has_size, "{}: no size of {name}", specification.name);
            }
        }
    }
}

/// The numbers of the calls are pinned: once published, a number never means another call.
#[test]
fn abi_call_numbers_are_pinned() {
    let name = |number| Call::from_number(number).map_or("", |call| call.specification().name);
    let names: Vec<_> = (0..Call::END).map(name).collect();
    assert_eq!(
        names,
        [
            "null",
            "exit",
            "yield",
            "clock",
            "debug_print",
            "wait",
            "peer_new",
            "transfer",
            "release",
            "send",
            "recv",
            "capability_copy",
            "capability_drop",
            "capability_info",
            "thread_new",
            "thread_exit",
            "thread_join",
            "thread_tls",
            "vm_map",
            "vm_unmap",
            "",
            "task_kill",
            "task_status",
            "account_new",
            "account_read",
            "account_claims",
            "inspect",
            "memory_new",
            "memory_map",
            "memory_unmap",
            "memory_revoke",
            "memory_info",
            "capability_compare",
            "task_new",
            "task_grant",
            "task_start",
            "task_watch",
            "send_short",
            "receive_short",
            "call_short",
            "task_priority",
            "receive_long",
            "call_long",
            "task_faults",
            "fault_read",
            "fault_answer",
            "vm_protect",
            "timer_new",
            "timer_set",
            "range_split",
            "port_in",
            "port_out",
            "interrupt_bind",
            "interrupt_acknowledge",
            "account_share",
            "memory_watch",
            "release_one",
            "account_limits",
        ]
    );
}
