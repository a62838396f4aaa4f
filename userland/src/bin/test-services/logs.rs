//! The log, through the server.

use crate::stage::Stage;
use alloc::format;
use omnibus_userland::abi::Errno;
use omnibus_userland::service::log::LINES_PER_ACCOUNT;
use omnibus_userland::{check, check_eq, tests};

tests! {
    /// Lines are read back with the account of the writer and the name of its door, in order, also when he has gone.
    fn log_1_lines_say_who_wrote_them(bench) {
        let stage = Stage::with_store(bench)?;
        let writer = stage.log(1)?;
        let number = stage.client.state()?.number;
        for index in 0..LINES_PER_ACCOUNT + 3 {
            writer.write(&format!("line {index} {}", "x".repeat(200)))?;
        }
        drop(writer);
        let lines = stage.log(0)?.read_from(0)?;
        let mut own = lines.iter().filter(|line| line.account == number);
        check_eq!(own.clone().count(), LINES_PER_ACCOUNT, "lines of one account that are kept");
        check!(own.clone().all(|line| line.door == "test"), "{lines:?}");
        check!(own.next().is_some_and(|line| line.text.starts_with("line 3 ")), "{lines:?}");
        check!(lines.is_sorted_by_key(|line| line.number), "{lines:?}");
        stage.wait_for_line("store: started")?;
        stage.close()
    }

    /// Who may write may not read, and who may read may not write; what is no line is refused.
    fn log_2_doors_and_bad_lines(bench) {
        let stage = Stage::with_store(bench)?;
        let (reader, writer) = (stage.log(0)?, stage.log(1)?);
        check_eq!(writer.read_from(0).map(drop), Err(Errno::EPERM), "a writer reads");
        check_eq!(reader.write("x"), Err(Errno::EPERM), "a reader writes");
        check_eq!(writer.write("a\nb"), Err(Errno::EINVAL), "two lines");
        check_eq!(writer.write(&"x".repeat(300)), Err(Errno::EMSGSIZE), "a long line");
        check_eq!(writer.write(&"x".repeat(5000)), Err(Errno::EMSGSIZE), "a line longer than a request");
        check_eq!(writer.write("fine"), Ok(()), "the next");
        drop((reader, writer));
        stage.close()
    }
}
