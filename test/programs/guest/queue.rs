// SPDX-License-Identifier: GPL-2.0-only
// What kmsgq-programs(7) says of Rust: queue HOW FILE. Prints what it reads.
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

const O_NONBLOCK: i32 = 0o4000;

fn nonblock(path: &str) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path)
}

fn to(path: &str) -> io::Result<File> {
    OpenOptions::new().write(true).open(path)
}

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let path = &args[2];
    let mut data = vec![0; 1 << 20];
    let mut all = Vec::new();
    match args[1].as_str() {
        "fs::read" => all = fs::read(path)?,
        "read_to_end, O_NONBLOCK" => {
            let result = nonblock(path)?.read_to_end(&mut all);
            print!("{}", String::from_utf8_lossy(&all));
            result?;
            return Ok(());
        }
        "read, O_NONBLOCK" => {
            let count = nonblock(path)?.read(&mut data)?;
            all.extend_from_slice(&data[..count]);
        }
        "BufReader::lines" => {
            for line in BufReader::new(File::open(path)?).lines() {
                println!("{}", line?);
            }
        }
        "io::copy" => {
            io::copy(&mut File::open(path)?, &mut io::stdout())?;
        }
        "fs::write" => fs::write(path, &args[3])?,
        "write_all" => to(path)?.write_all(args[3].as_bytes())?,
        "writeln" => writeln!(to(path)?, "{} and {}", args[3], args[3])?,
        "println" => println!("{}", args[3]),
        _ => panic!("how?"),
    }
    print!("{}", String::from_utf8_lossy(&all));
    Ok(())
}
