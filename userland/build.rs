//! Links every program as a static executable without a C library, by the script beside this file; and tells packages that depend on the
//! runtime library how to do the same (`DEP_OMNIBUS_USERLAND_LINK_ARGUMENTS`, `DEP_OMNIBUS_USERLAND_LINKER_SCRIPT`).

use std::path::Path;

const LINK_ARGUMENTS: [&str; 6] = [
    "-nostartfiles",
    "-nostdlib",
    "-static",
    "-no-pie",
    "-Wl,--build-id=none",
    "-Wl,-z,max-page-size=4096",
];

fn main() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("linker.ld");
    println!("cargo::rerun-if-changed={}", script.display());
    for argument in LINK_ARGUMENTS {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
    println!(
        "cargo::metadata=link_arguments={}",
        LINK_ARGUMENTS.join(" ")
    );
    println!("cargo::metadata=linker_script={}", script.display());
}
