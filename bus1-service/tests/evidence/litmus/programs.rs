//! The list: each litmus test by its id, with what it forbids.

use super::{Litmus, Part, Seen};

/// What most tests do not have.
const NONE: Litmus = Litmus {
    id: "",
    nodes: "",
    before: &[],
    threads: &[],
    forbidden: |_| None,
    required: &[],
    rare: &[],
    n_objects: 0,
    parts: &[],
};

/// Only who has sent through a handle before can hand a message over through it.
const FIRST: &[&str] = &["S: Z->P", "P: ?"];

/// The same for two receivers.
const FIRST_TO_TWO: &[&str] = &["S: Z->P,Q", "P: ?", "Q: ?"];

/// The same for two senders.
const BOTH_TO_TWO: &[&str] = &["S: Y->P,Q", "R: Z->P,Q", "P: ?; ?", "Q: ?; ?"];

/// Only who has sent to each of two before can send to both in one section.
const USED: &[&str] = &["S: V->P; W->Q", "R: X->P; Y->Q"];

/// The same, and all of that received.
const USED_AND_EMPTY: &[&str] = &["S: V->P; W->Q", "R: X->P; Y->Q", "P: ?; ?", "Q: ?; ?"];

fn agree_on_a_and_b(seen: &Seen) -> Option<String> {
    seen.disagree("PQRS", "A", "B")
}

/// A is to P and Q, B to Q and R, C to P and R.
fn a_cycle_of_three(seen: &Seen) -> Option<String> {
    let is_seen = |[p, q, r]: [[&str; 2]; 3]| {
        let queues = [('P', p), ('Q', q), ('R', r)];
        let mut queues = queues.iter();
        queues.all(|&(peer, [first, second])| seen.is_in_order(peer, first, second))
    };
    let is_cycle = is_seen([["A", "C"], ["B", "A"], ["C", "B"]]);
    let is_mirror = is_seen([["C", "A"], ["A", "B"], ["B", "C"]]);
    (is_cycle || is_mirror).then(|| "a cycle".into())
}

/// All of L8, with sends that go to both in one section if they can; and with sends that are prepared, which go to one after the other. There
/// each receiver reads once meanwhile: whether they disagree is decided by what each receives first.
#[rustfmt::skip]
const L8: &[Part] = &[
    Part { before: USED_AND_EMPTY, threads: &["S: A->P,Q", "R: B->P,Q", "P: ?; ?", "Q: ?; ?"] },
    Part { before: &["S: A~>P,Q", "R: B~>P,Q"], threads: &["S: A>>", "R: B>>", "P: ?", "Q: ?"] },
];

/// Every two of the threads of Q2, and every three with sends that are prepared, to as many as a checker can bear.
#[rustfmt::skip]
const Q2: &[Part] = &[
    Part { before: &[], threads: &["S: A(P)->P,N", "O: -N"] },
    Part { before: &[], threads: &["S: A(P)->P,N", "P: x"] },
    Part { before: &[], threads: &["S: A(P)->P,N", "R: B(S)->P,S"] },
    Part { before: &[], threads: &["O: -N", "P: x"] },
    Part { before: &[], threads: &["O: -N", "R: B(S)->P,S"] },
    Part { before: &[], threads: &["P: x", "R: B(S)->P,S"] },
    Part { before: &["S: A(P)~>P,N", "R: B(S)~>P,S"], threads: &["S: A(P)>>", "O: -N", "R: B(S)>>"] },
    Part { before: &["S: A(P)~>P", "R: B(S)~>P"], threads: &["S: A(P)>>", "P: x", "R: B(S)>>"] },
    Part { before: &["S: A(P)~>N"], threads: &["S: A(P)>>", "O: -N", "P: x"] },
    Part { before: &["R: B(S)~>P"], threads: &["R: B(S)>>", "O: -N", "P: x"] },
];

/// All of them.
#[rustfmt::skip]
pub(crate) const PROGRAMS: &[Litmus] = &[
    Litmus { id: "L1", nodes: "P=P:S", threads: &["S: A->P; B->P", "P: ?; ?"],
        forbidden: |seen| seen.forbid('P', "B", "A"), ..NONE },
    Litmus { id: "L2", nodes: "P=P:SR", threads: &["S: A->P", "R: B->P"],
        required: &["P: AB", "P: BA"], ..NONE },
    Litmus { id: "L3", nodes: "P=P:SR Q=Q:SR", threads: &["S: A->P,Q", "R: B->P,Q"],
        forbidden: agree_on_a_and_b, required: &["P: AB", "P: BA"], ..NONE },
    Litmus { id: "L4", nodes: "P=P:SQ Q=Q:S", threads: &["S: A->Q,P", "Q: ?A; B->P"],
        forbidden: |seen| seen.forbid('P', "B", "A"), required: &["P: AB"], ..NONE },
    Litmus { id: "L5", nodes: "P=P:SR Q=Q:S", threads: &["S: A->P,Q; !f", "R: @f; B->P"],
        forbidden: |seen| seen.forbid('P', "B", "A"), required: &["P: AB"], ..NONE },
    Litmus { id: "L6", nodes: "P=P:SR Q=Q:S", threads: &["S: A->Q,P", "Q: ?A; !f", "R: @f; B->P"],
        forbidden: |seen| seen.forbid('P', "B", "A"), required: &["P: AB"], ..NONE },
    Litmus { id: "L7", nodes: "P=P:ST Q=Q:SR R=R:RT", threads: &["S: A->P,Q", "R: B->Q,R", "T: C->P,R"],
        forbidden: a_cycle_of_three, ..NONE },
    Litmus { id: "L8", nodes: "P=P:SR Q=Q:SR", threads: &["S: A->P,Q", "R: B->P,Q", "P: ?; ?", "Q: ?; ?"],
        forbidden: agree_on_a_and_b, required: &["P: AB", "P: BA"], parts: L8, ..NONE },
    Litmus { id: "L9", nodes: "P=P:S Q=Q:SP R=R:SQ", threads: &["S: A->P,Q,R", "P: ?A; B->Q", "Q: ?A; ?B; C->R"],
        forbidden: |seen| seen.forbid('Q', "B", "A").or(seen.forbid('R', "C", "A")), required: &["Q: AB"], ..NONE },
    Litmus { id: "L10", nodes: "P=P:SR", threads: &["S: A->P,P", "R: B->P"],
        forbidden: |seen| (seen.text('P') == "ABA").then(|| "P: ABA".into()), required: &["P: AAB", "P: BAA"], ..NONE },
    Litmus { id: "L11", nodes: "P=P:SQ Q=Q:S", threads: &["S: A->P; B->Q", "Q: ?B; C->P"],
        forbidden: |seen| seen.forbid('P', "C", "A"), required: &["P: AC"], ..NONE },
    Litmus { id: "L12", nodes: "P=P:SR Q=Q:SR S=S:SR", threads: &["S: A->P,Q,S", "R: B->P,Q,S"],
        forbidden: agree_on_a_and_b, required: &["S: AB", "S: BA"], ..NONE },
    Litmus { id: "L13", nodes: "P=P:SR Q=Q:R", threads: &["S: A->P; =P", "R: B->P,Q"],
        forbidden: |_| None, ..NONE },
    Litmus { id: "L14", nodes: "P=P:SR Q=Q:R", threads: &["S: A->P; =P; C->P; =P", "R: B->P,Q"],
        forbidden: |_| None, ..NONE },
    Litmus { id: "L15", nodes: "P=P:ST Q=Q:RT", threads: &["S: A->P; !f", "R: @f; B->Q", "T: C->P,Q"],
        forbidden: |_| None, required: &["P: AC", "P: CA"], ..NONE },
    Litmus { id: "L16", nodes: "P=P:SQ Q=Q:S", threads: &["S: A->P; B->P,Q", "Q: ?B; C->P"],
        forbidden: |seen| (!"ABC".starts_with(&seen.text('P'))).then(|| format!("P: {}", seen.text('P'))),
        required: &["P: ABC"], ..NONE },
    Litmus { id: "L17", nodes: "P=P:S", threads: &["S: A->P", "P: z"],
        forbidden: |_| None, required: &["P: A"], ..NONE },
    Litmus { id: "R1", nodes: "O=O:S", threads: &["S: M->O; ~O", "O: ?; ?"],
        forbidden: |seen| seen.forbid('O', "~O", "M").or((seen.text('O') != "M~O").then(|| seen.text('O'))), ..NONE },
    Litmus { id: "R2", nodes: "N=O:S", threads: &["O: -N; |; ?", "S: M->N"],
        forbidden: |seen| seen.forbid('O', "|", "M"), ..NONE },
    Litmus { id: "R3", nodes: "N=O:P M=O:Q Q=Q:P", threads: &["O: -N,-M", "P: ?-N; B->Q"],
        forbidden: |seen| seen.forbid('Q', "B", "-M"), required: &["Q: -MB"], ..NONE },
    Litmus { id: "R4", nodes: "P=P:O N=O:P", threads: &["O: A->P; -N", "P: ?; ?"],
        forbidden: |seen| seen.forbid('P', "-N", "A"), required: &["P: A-N"], ..NONE },
    Litmus { id: "R5", nodes: "P=P:O N=O:P", threads: &["O: x", "P: ?; ?"],
        forbidden: |seen| seen.forbid('P', "~P", "-N").or((seen.text('P') != "-N~P").then(|| seen.text('P'))), ..NONE },
    Litmus { id: "R6", nodes: "N=O:S P=P:S", threads: &["S: A(N)->P", "O: -N", "P: ?; ?"],
        forbidden: |seen| (seen.text('P') != "A-N").then(|| format!("P: {}", seen.text('P'))), ..NONE },
    Litmus { id: "R7", nodes: "N=O:PS Q=Q:S", threads: &["P: ~N", "S: A(N)->Q; ~N", "Q: ?A; !r; ~N", "O: ?~N"],
        forbidden: |seen| {
            let expected = usize::from(seen.flags.contains(&'r'));
            let n = seen.count('O', "~N");
            if seen.is_early('O', "~N") {
                return Some("HANDLE_RELEASE before Q called release".into());
            }
            (n != expected).then(|| format!("{n} HANDLE_RELEASE, not {expected}"))
        }, ..NONE },
    Litmus { id: "R8", nodes: "N=O:P P=P:R", threads: &["O: -N; !f", "R: @f; B->P"],
        forbidden: |seen| seen.forbid('P', "B", "-N"), required: &["P: -NB"], ..NONE },
    Litmus { id: "R9", nodes: "P=P:Q Q=Q:P", threads: &["P: A(Q)->Q; x", "Q: B(P)->P; x"],
        forbidden: |_| None, ..NONE },
    Litmus { id: "R10", nodes: "N=O:PQ P=P:S Q=Q:S", threads: &["O: -N", "S: A->P,Q"],
        forbidden: |seen| seen.disagree("PQ", "A", "-N"), required: &["P: A-N", "P: -NA"], ..NONE },
    Litmus { id: "R11", nodes: "N=O:PQ M=R:PQ", threads: &["O: -N", "R: -M"],
        forbidden: |seen| seen.disagree("PQ", "-M", "-N"), required: &["P: -M-N", "P: -N-M"], ..NONE },
    Litmus { id: "R12", nodes: "N=O:P M=R:P R=R:O", threads: &["P: ~N,~M", "O: ?~N; B->R"],
        forbidden: |seen| seen.forbid('R', "B", "~M"), required: &["R: ~MB"], ..NONE },
    Litmus { id: "R13", nodes: "N=O:PQ M=P:Z Z=Z:O", threads: &["P: ~N,-M", "Q: ~N", "O: ?~N; B->Z"],
        forbidden: |seen| seen.forbid('Z', "B", "-M"), required: &["Z: -MB"], ..NONE },
    Litmus { id: "R14", nodes: "P=P:S", before: &["S: A->P; B->P"], threads: &["P: e", "P: ?"],
        forbidden: |seen| (seen.text('P') != "AB").then(|| format!("P: {}", seen.text('P'))), ..NONE },
    Litmus { id: "R15", nodes: "N=O:S", before: &["S: M->N"], threads: &["O: -N; !f", "O: @f; |; ?", "S: M->N"],
        forbidden: |seen| seen.forbid('O', "|", "M"), ..NONE },
    Litmus { id: "Q1", nodes: "P=P:S N=S:S Q=P:P", threads: &["S: A(N)->P", "P: +", "P: ?A"],
        forbidden: |seen| (!"A".starts_with(&seen.text('P'))).then(|| format!("P: {}", seen.text('P'))), required: &["P: A"], n_objects: 48, ..NONE },
    Litmus { id: "Q2", nodes: "P=P:SR N=O:S S=S:SR", threads: &["S: A(P)->P,N", "O: -N", "P: x", "R: B(S)->P,S"],
        forbidden: |_| None, parts: Q2, ..NONE },
    Litmus { id: "H1", nodes: "P=P:SR", before: FIRST, threads: &["R: B->P; !f", "S: @f; A=>P"],
        forbidden: |seen| seen.forbid('P', "A", "B"), required: &["P: ZBA"], ..NONE },
    Litmus { id: "H2", nodes: "P=P:SR Q=Q:SR", before: FIRST, threads: &["S: A=>P; C->Q", "R: B->P,Q"],
        forbidden: |seen| {
            let is_cycle = seen.is_in_order('P', "B", "A") && seen.is_in_order('Q', "C", "B");
            is_cycle.then(|| "a cycle".into())
        }, required: &["P: ZAB", "P: ZBA", "=: A"], ..NONE },
    Litmus { id: "H3", nodes: "N=O:S P=P:S", before: FIRST, threads: &["S: A(N)=>P", "O: -N"],
        forbidden: |seen| (seen.text('P') != "ZA-N").then(|| format!("P: {}", seen.text('P'))), required: &["=: A"], ..NONE },
    Litmus { id: "H4", nodes: "P=P:S", before: FIRST, threads: &["P: -P; !f", "S: @f; B=>P", "S: A=>P"],
        forbidden: |seen| (seen.count('P', "B") > 0).then(|| "B on a node that was released".into()), required: &["P: ZA", "P: Z", "=: A"], ..NONE },
    Litmus { id: "H5", nodes: "P=P:S", before: FIRST, threads: &["S: A=>P", "S: ~P"],
        forbidden: |seen| seen.forbid('P', "~P", "A").or((seen.count('P', "~P") != 1).then(|| seen.text('P'))),
        required: &["P: ZA~P", "P: Z~P", "=: A"], ..NONE },
    Litmus { id: "H6", nodes: "P=P:S N=S:S", before: FIRST, threads: &["S: A(N)#>P", "P: x"],
        forbidden: |_| None, required: &["=: A"], ..NONE },
    Litmus { id: "H7", nodes: "P=P:S N=O:S", before: FIRST, threads: &["S: A(N)#>P", "S: ~N", "O: ?~N"],
        forbidden: |seen| (seen.count('O', "~N") != usize::from(!seen.text('P').contains('A'))).then(|| seen.text('O')),
        required: &["=: A"], ..NONE },
    Litmus { id: "H8", nodes: "P=P:SR Q=Q:SR", before: BOTH_TO_TWO, threads: &["S: A=>P,Q", "R: B->P"],
        forbidden: |seen| ([seen.count('P', "A"), seen.count('Q', "A"), seen.count('P', "B")] != [1; 3]).then(|| seen.text('P')),
        required: &["P: YZAB", "P: YZBA", "=: AA"], rare: &["=: "], ..NONE },
    Litmus { id: "H9", nodes: "P=P:SR Q=Q:SR", before: BOTH_TO_TWO, threads: &["S: A=>P,Q", "R: B->P,Q"],
        forbidden: agree_on_a_and_b, required: &["P: YZAB", "P: YZBA", "=: AA"], rare: &["=: "], ..NONE },
    Litmus { id: "H10", nodes: "P=P:SR Q=Q:SR", before: BOTH_TO_TWO, threads: &["S: A=>P,Q", "R: B=>Q,P"],
        forbidden: agree_on_a_and_b, required: &["P: YZAB", "P: YZBA", "=: AABB", "=: BBAA"], rare: &["=: "], ..NONE },
    Litmus { id: "H11", nodes: "P=P:S Q=Q:S N=O:PQ", before: FIRST_TO_TWO, threads: &["S: A=>P,Q", "O: -N"],
        forbidden: |seen| seen.disagree("PQ", "A", "-N"), required: &["P: ZA-N", "P: Z-NA", "=: AA"], rare: &["=: "], ..NONE },
    Litmus { id: "H12", nodes: "P=P:S Q=Q:S", before: FIRST_TO_TWO, threads: &["S: A=>P,Q", "P: -P; !f", "S: @f; B=>P,Q"],
        forbidden: |seen| {
            let is_wrong = seen.count('P', "B") > 0 || seen.count('Q', "A") != 1 || seen.count('S', "-P") != 1;
            is_wrong.then(|| "B on a node that was released, or A lost".into())
        }, required: &["P: ZA", "P: Z", "=: AA"], rare: &["=: A", "=: "], ..NONE },
    Litmus { id: "H13", nodes: "P=P:SQ Q=Q:S", before: FIRST_TO_TWO, threads: &["S: A=>Q,P", "Q: @Q; B->P"],
        forbidden: |seen| seen.forbid('P', "B", "A"), required: &["P: ZAB", "=: AA"], ..NONE },
    Litmus { id: "H14", nodes: "P=P:S Q=Q:S", before: FIRST_TO_TWO, threads: &["S: A=>P,Q; B->P", "P: ?"],
        forbidden: |seen| (seen.text('P') != "ZAB" || seen.text('Q') != "ZA").then(|| seen.text('P')), required: &["=: AA"], rare: &["=: "], ..NONE },
    Litmus { id: "H15", nodes: "P=P:S Q=Q:S", before: FIRST_TO_TWO, threads: &["S: A=>P,Q", "P: x"],
        forbidden: |seen| (seen.count('Q', "A") != 1).then(|| seen.text('Q')), required: &["=: AA"], rare: &["=: A", "=: "], ..NONE },
    Litmus { id: "H16", nodes: "P=P:SU Q=Q:ST R=R:TU", before: &["S: Z->P,Q", "T: Z->Q,R", "U: Z->R,P", "P: ?; ?", "Q: ?; ?", "R: ?; ?"],
        threads: &["S: A=>P,Q", "T: B=>Q,R", "U: C=>R,P"], forbidden: a_cycle_of_three, rare: &["=: "], ..NONE },
    Litmus { id: "M1", nodes: "P=P:SR Q=Q:SR", before: USED, threads: &["S: A->P,Q", "R: B->P,Q"],
        forbidden: agree_on_a_and_b, required: &["P: VXAB", "P: VXBA"], ..NONE },
    Litmus { id: "M2", nodes: "P=P:ST Q=Q:SR R=R:RT", before: &["S: V->P; W->Q", "R: V->Q; W->R", "T: V->P; W->R"],
        threads: &["S: A->P,Q", "R: B->Q,R", "T: C->P,R"], forbidden: a_cycle_of_three, ..NONE },
    Litmus { id: "M3", nodes: "N=O:PQ P=P:S Q=Q:S", before: &["S: V->P; W->Q"], threads: &["O: -N", "S: A->P,Q"],
        forbidden: |seen| seen.disagree("PQ", "A", "-N"), required: &["P: VA-N", "P: V-NA"], ..NONE },
    Litmus { id: "M4", nodes: "P=P:SQ Q=Q:S", before: &["S: V->Q; W->P"], threads: &["S: A->Q,P", "Q: ?V; ?A; B->P"],
        forbidden: |seen| seen.forbid('P', "B", "A"), required: &["P: WAB"], ..NONE },
    Litmus { id: "M5", nodes: "P=P:S Q=Q:S", before: &["S: V->P; W->Q"], threads: &["S: A->P,Q", "P: ?V; -P"],
        forbidden: |seen| (seen.text('Q') != "WA").then(|| format!("Q: {}", seen.text('Q'))), required: &["P: V"], ..NONE },
];
