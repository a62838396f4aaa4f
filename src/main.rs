//! Host tool of the Omnibus microkernel.

fn main() {
    println!("omnibus: nothing to run yet");
}
