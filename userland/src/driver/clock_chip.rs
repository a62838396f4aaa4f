//! The real-time clock of a PC (Motorola MC146818A data sheet): date and time, and an interrupt when they have changed.

use super::Registers;
use crate::calls::Result;
use alloc::vec::Vec;
use core::fmt;

/// First port, number of ports, and interrupt line.
pub const CLOCK_CHIP: (u16, u64, u64) = (0x70, 2, 8);

/// The ports: which register is meant, and its value.
const INDEX: u16 = 0;
const VALUE: u16 = 1;
/// Registers (page 8): seconds, minutes, hours, day, month, year; A, B and C.
const FIELDS: [u8; 6] = [0, 2, 4, 7, 8, 9];
const A: u8 = 10;
const B: u8 = 11;
const C: u8 = 12;
/// Register A: an update is under way or near.
const IS_UPDATING: u8 = 1 << 7;
/// Register A: the time base, and the rate of periodic interrupts, 1,024 a second.
const RATE_1024: u8 = 0x20 | 6;
/// Register B: periodic interrupts; numbers are binary, not decimal; hours are 0 to 23.
const PERIODIC: u8 = 1 << 6;
const IS_BINARY: u8 = 1 << 2;
const IS_24_HOURS: u8 = 1 << 1;
/// Hours: afternoon, where there are 12.
const IS_AFTERNOON: u8 = 1 << 7;
/// Register C: it asked for an interrupt.
const HAS_ASKED: u8 = 1 << 7;
/// Looks at the chip before it is taken for absent.
const PATIENCE: u32 = 100_000;

/// A date and a time of day, as the chip has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// 2000 to 2099: the chip has two digits.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl Date {
    /// As the driver tells it: a 64-bit word for each, in their order.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        let others = [month, day, hour, minute, second].map(u64::from);
        let words = [u64::from(year)].into_iter().chain(others);
        words.flat_map(u64::to_le_bytes).collect()
    }

    /// Reads what the driver told; `None` if it is no date.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks();
        let words: [[u8; 8]; 6] = words.try_into().ok().filter(|_| rest.is_empty())?;
        let [year, others @ ..] = words.map(u64::from_le_bytes);
        let mut others = others.into_iter().map(|word| u8::try_from(word).ok());
        let mut next = || others.next().flatten();
        Some(Self {
            year: u16::try_from(year).ok()?,
            month: next()?,
            day: next()?,
            hour: next()?,
            minute: next()?,
            second: next()?,
        })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        write!(
            f,
            "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
        )
    }
}

/// The chip.
#[derive(Debug)]
pub struct ClockChip<R: Registers>(R);

impl<R: Registers> ClockChip<R> {
    /// The chip, which interrupts nobody.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn new(chip: R) -> Result<Self> {
        let chip = Self(chip);
        chip.stop()?;
        Ok(chip)
    }

    /// Date and time; `None` if the chip says nothing that could be one, or is never done with an update.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn date(&self) -> Result<Option<Date>> {
        let mut last = None;
        for _ in 0..PATIENCE {
            if self.get(A)? & IS_UPDATING != 0 {
                continue;
            }
            let mut fields = [0; FIELDS.len()];
            for (field, register) in fields.iter_mut().zip(FIELDS) {
                *field = self.get(register)?;
            }
            // An update may have come in between: only what is read twice is true.
            if last.replace(fields) == Some(fields) {
                return Ok(date_of(fields, self.get(B)?));
            }
        }
        Ok(None)
    }

    /// Lets it interrupt 1,024 times a second, each time after [`Self::clear`].
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn start(&self) -> Result<()> {
        self.set(A, RATE_1024)?;
        let format = self.get(B)? & (IS_BINARY | IS_24_HOURS);
        self.set(B, format | PERIODIC)?;
        self.clear().map(drop)
    }

    /// Lets it interrupt no more.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn stop(&self) -> Result<()> {
        let format = self.get(B)? & (IS_BINARY | IS_24_HOURS);
        self.set(B, format)?;
        self.clear().map(drop)
    }

    /// Takes its interrupt back, so that the next makes an edge; whether there was one.
    ///
    /// # Errors
    /// Those of the way to the chip.
    pub fn clear(&self) -> Result<bool> {
        Ok(self.get(C)? & HAS_ASKED != 0)
    }

    fn get(&self, register: u8) -> Result<u8> {
        self.0.set(INDEX, register)?;
        self.0.get(VALUE)
    }

    fn set(&self, register: u8, value: u8) -> Result<()> {
        self.0.set(INDEX, register)?;
        self.0.set(VALUE, value)
    }
}

/// What the registers say in the format that register B tells; `None` if it is no date.
fn date_of([second, minute, hour, day, month, year]: [u8; 6], b: u8) -> Option<Date> {
    let number = |value: u8| match (b & IS_BINARY, value >> 4, value & 0xf) {
        (0, tens @ 0..=9, ones @ 0..=9) => Some(tens * 10 + ones),
        (0, ..) => None,
        _ => Some(value),
    };
    let hour = if b & IS_24_HOURS != 0 {
        number(hour)?
    } else {
        let of_half = number(hour & !IS_AFTERNOON).filter(|hour| (1..=12).contains(hour))?;
        of_half % 12 + if hour & IS_AFTERNOON != 0 { 12 } else { 0 }
    };
    let date = Date {
        year: 2000 + u16::from(number(year)?),
        month: number(month)?,
        day: number(day)?,
        hour,
        minute: number(minute)?,
        second: number(second)?,
    };
    let is_date = date.year < 2100
        && (1..=12).contains(&date.month)
        && (1..=31).contains(&date.day)
        && date.hour < 24
        && date.minute < 60
        && date.second < 60;
    is_date.then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each format of the chip says the same date; what is none is told apart.
    #[test]
    fn drv_every_format_is_read() {
        let date = Date {
            year: 2026,
            month: 11,
            day: 21,
            hour: 23,
            minute: 59,
            second: 8,
        };
        assert_eq!(Date::of_bytes(&date.to_bytes()), Some(date));
        assert_eq!(Date::of_bytes(&date.to_bytes()[1..]), None);
        assert_eq!(date.to_string(), "2026-11-21 23:59:08");
        let read = |hour, others: [u8; 5], b| {
            let [second, minute, day, month, year] = others;
            date_of([second, minute, hour, day, month, year], b)
        };
        let (decimal, binary) = ([0x08, 0x59, 0x21, 0x11, 0x26], [8, 59, 21, 11, 26]);
        assert_eq!(read(0x23, decimal, IS_24_HOURS), Some(date));
        assert_eq!(read(0x91, decimal, 0), Some(date));
        assert_eq!(read(23, binary, IS_24_HOURS | IS_BINARY), Some(date));
        assert_eq!(read(0x80 | 11, binary, IS_BINARY), Some(date));
        let hour = |hour, b| read(hour, decimal, b).map(|date| date.hour);
        assert_eq!(
            (hour(0x12, 0), hour(0x92, 0), hour(0x01, 0)),
            (Some(0), Some(12), Some(1))
        );
        assert_eq!(
            (hour(0x24, IS_24_HOURS), hour(0x13, 0), hour(0x1a, 0)),
            (None, None, None)
        );
        assert_eq!(date_of([0xff; 6], 0xff), None);
    }
}
