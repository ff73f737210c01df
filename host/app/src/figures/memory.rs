//! How much memory this process has, where the system says so.

/// Memory of this process, in bytes; zero where the system does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Held in memory.
    pub resident: u64,
    /// Asked for, for data.
    pub data: u64,
    /// Held in memory, of its own.
    pub anonymous: u64,
    /// Held in memory, of files.
    pub file: u64,
}

/// The memory of this process now.
pub fn memory() -> Memory {
    // A file that the kernel makes when it is read; elsewhere there is none.
    std::fs::read_to_string("/proc/self/status")
        .map_or_else(|_| Memory::default(), |text| of(&text))
}

fn of(status: &str) -> Memory {
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        kib.checked_mul(1024)
    };
    Memory {
        resident: value("VmRSS:").unwrap_or(0),
        data: value("VmData:").unwrap_or(0),
        anonymous: value("RssAnon:").unwrap_or(0),
        file: value("RssFile:").unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_what_the_system_writes() {
        let memory = of("Name:\tx\nVmRSS:\t   12 kB\nVmData:\t 20 kB\nRssAnon:\t 7 kB\n");
        assert_eq!((memory.resident, memory.data), (12_288, 20_480));
        assert_eq!((memory.anonymous, memory.file), (7_168, 0));
    }
}
