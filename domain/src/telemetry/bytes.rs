//! Reads and writes the two building blocks of our binary formats: whole bytes and varints.
//!
//! A varint is LEB128: seven bits a byte, the lowest first. A signed number is zigzag-coded
//! first, so that small negative numbers stay short.

/// A longest varint holds 64 bits, seven to a byte.
const VARINT_BYTES_MAX: usize = 10;

/// The bytes ended early, or a number in them is longer than its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A cursor over bytes that came from outside: every step may fail, none can panic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) const fn remaining(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.bytes.split_first().ok_or(Malformed)?;
        self.bytes = rest;
        Ok(first)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.bytes.split_first_chunk::<N>().ok_or(Malformed)?;
        self.bytes = rest;
        Ok(*array)
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(Malformed)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn text(&mut self, count: usize) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.take(count)?).map_err(|_| Malformed)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        let first = self.u8()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut number = u64::from(first & 0x7f);
        for position in 1..VARINT_BYTES_MAX {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            let shift = 7 * position;
            if shift == 63 && bits > 1 {
                return Err(Malformed);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.u64()?).map_err(|_| Malformed)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        self.u64().map(zigzag_decode)
    }

    /// A count of things that take at least `bytes_each` further bytes each: a larger count than
    /// the bytes can hold is malformed, so that nobody allocates for a lie.
    pub(crate) fn count(&mut self, bytes_each: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.u64()?).map_err(|_| Malformed)?;
        if count
            .checked_mul(bytes_each)
            .is_some_and(|bytes| bytes <= self.remaining())
        {
            Ok(count)
        } else {
            Err(Malformed)
        }
    }
}

pub(crate) fn put_u64(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low seven bits are meant"
        )]
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "less than 0x80")]
    bytes.push(number as u8);
}

pub(crate) fn put_usize(bytes: &mut Vec<u8>, number: usize) {
    put_u64(bytes, number as u64);
}

pub(crate) fn put_i64(bytes: &mut Vec<u8>, number: i64) {
    put_u64(bytes, zigzag_encode(number));
}

pub(crate) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_usize(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

const fn zigzag_encode(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

const fn zigzag_decode(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_comes_back(unsigned: u64, signed: i64) {
            let mut bytes = Vec::new();
            put_u64(&mut bytes, unsigned);
            put_i64(&mut bytes, signed);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.u64(), Ok(unsigned));
            prop_assert_eq!(reader.i64(), Ok(signed));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn any_bytes_are_a_number_or_malformed(bytes: Vec<u8>) {
            let _ = Reader::new(&bytes).u64();
        }
    }

    #[test]
    fn a_number_beyond_64_bits_is_malformed() {
        assert_eq!(Reader::new(&[0xff; 10]).u64(), Err(Malformed));
        let mut longest = [0xff; 10];
        longest[9] = 1;
        assert_eq!(Reader::new(&longest).u64(), Ok(u64::MAX));
        longest[9] = 2;
        assert_eq!(Reader::new(&longest).u64(), Err(Malformed));
    }

    #[test]
    fn a_count_that_the_bytes_cannot_hold_is_malformed() {
        assert_eq!(Reader::new(&[3, 0, 0, 0]).count(1), Ok(3));
        assert_eq!(Reader::new(&[3, 0, 0, 0]).count(2), Err(Malformed));
    }
}
