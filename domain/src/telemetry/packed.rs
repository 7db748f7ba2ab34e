//! Packs whole numbers into as few bits as their spread needs, and reads any of them back alone.
//!
//! Numbers stand in blocks of 128. First come the heads of all blocks, each the block's least
//! number (signed varint) and a width in bits; then the blocks' bits, each block starting at a
//! whole byte, each number as its distance from the least, lowest bit first. This is frame of
//! reference coding; a block of equal numbers has the width 0 and takes no bits at all.

use super::bytes::{Malformed, Reader, put_i64};

/// Small enough that one outlier widens few neighbours, large enough that heads are cheap.
const BLOCK_LEN: usize = 128;

/// The shortest head: a one-byte number and the width.
const HEAD_BYTES_MIN: usize = 2;

/// A window of 64 bits holds a number of this width at any bit offset within a byte.
const WIDTH_OF_WINDOW: usize = 56;

/// Appends `numbers` to `bytes`.
pub(crate) fn pack(bytes: &mut Vec<u8>, numbers: &[i64]) {
    for block in numbers.chunks(BLOCK_LEN) {
        let (least, width) = spread(block);
        put_i64(bytes, least);
        bytes.push(width);
    }
    for block in numbers.chunks(BLOCK_LEN) {
        let (least, width) = spread(block);
        put_bits(bytes, block, least, u32::from(width));
    }
}

/// How many bytes `numbers` take packed, give or take the length of the heads' varints.
pub(crate) fn packed_bytes(numbers: &[i64]) -> usize {
    let block_bytes =
        |block: &[i64]| HEAD_BYTES_MIN + (block.len() * usize::from(spread(block).1)).div_ceil(8);
    numbers.chunks(BLOCK_LEN).map(block_bytes).sum()
}

fn spread(block: &[i64]) -> (i64, u8) {
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for &number in block {
        least = least.min(number);
        most = most.max(number);
    }
    let distance = most.wrapping_sub(least).cast_unsigned();
    #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
    let width = (u64::BITS - distance.leading_zeros()) as u8;
    (least, width)
}

fn put_bits(bytes: &mut Vec<u8>, block: &[i64], least: i64, width: u32) {
    if width == 0 {
        return;
    }
    let (mut window, mut filled) = (0_u128, 0);
    for &number in block {
        let distance = number.wrapping_sub(least).cast_unsigned();
        window |= u128::from(distance) << filled;
        filled += width;
        if filled >= u64::BITS {
            #[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
            bytes.extend_from_slice(&(window as u64).to_le_bytes());
            window >>= u64::BITS;
            filled -= u64::BITS;
        }
    }
    let rest = window.to_le_bytes();
    bytes.extend_from_slice(&rest[..filled.div_ceil(8) as usize]);
}

/// Packed numbers whose widths fit their bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'a> {
    len: usize,
    heads: Reader<'a>,
    bits: &'a [u8],
}

/// A block of packed numbers.
#[derive(Clone, Copy, Debug)]
struct Block<'a> {
    /// The place of its first number.
    start: usize,
    len: usize,
    least: i64,
    width: usize,
    bits: &'a [u8],
}

impl<'a> Packed<'a> {
    /// Takes `len` packed numbers from `reader`; allocates nothing.
    pub(crate) fn parse(reader: &mut Reader<'a>, len: usize) -> Result<Self, Malformed> {
        if len.div_ceil(BLOCK_LEN).saturating_mul(HEAD_BYTES_MIN) > reader.remaining() {
            return Err(Malformed);
        }
        let heads = *reader;
        let mut bits = 0;
        for start in (0..len).step_by(BLOCK_LEN) {
            reader.i64()?;
            let width = usize::from(reader.u8()?);
            if width > 64 {
                return Err(Malformed);
            }
            bits += block_bytes((len - start).min(BLOCK_LEN), width);
        }
        Ok(Self {
            len,
            heads,
            bits: reader.take(bits)?,
        })
    }

    /// How many numbers there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The number at `place`, if there is one.
    pub(crate) fn get(&self, place: usize) -> Option<i64> {
        self.blocks()
            .find(|block| place < block.start + block.len)
            .map(|block| block.get(place - block.start))
    }

    /// Appends the numbers from place `from` to before `to` to `numbers`.
    pub(crate) fn read(&self, from: usize, to: usize, numbers: &mut Vec<i64>) {
        numbers.reserve(to.min(self.len).saturating_sub(from));
        for block in self.blocks() {
            if block.start >= to {
                break;
            }
            let first = from.saturating_sub(block.start).min(block.len);
            let end = (to - block.start).min(block.len);
            block.read(first, end, numbers);
        }
    }

    /// The place of `number`, when the numbers ascend and it is among them.
    pub(crate) fn find_ascending(&self, number: i64) -> Option<usize> {
        let block = self
            .blocks()
            .take_while(|block| block.least <= number)
            .last()?;
        let (mut low, mut high) = (0, block.len);
        while low < high {
            let middle = low.midpoint(high);
            if block.get(middle) < number {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low < block.len && block.get(low) == number).then_some(block.start + low)
    }

    /// The sum of the numbers before `place`; nothing when it does not fit 64 bits.
    pub(crate) fn sum_before(&self, place: usize) -> Option<i64> {
        let mut sum = 0_i64;
        for block in self.blocks() {
            if block.start >= place {
                break;
            }
            let end = (place - block.start).min(block.len);
            if block.width == 0 {
                sum = sum.checked_add(block.least.checked_mul(i64::try_from(end).ok()?)?)?;
            } else {
                sum = (0..end).try_fold(sum, |sum, place| sum.checked_add(block.get(place)))?;
            }
        }
        Some(sum)
    }

    fn blocks(&self) -> impl Iterator<Item = Block<'a>> + use<'a> {
        let (len, mut heads, mut bits) = (self.len, self.heads, self.bits);
        (0..len).step_by(BLOCK_LEN).map_while(move |start| {
            let block_len = (len - start).min(BLOCK_LEN);
            let least = heads.i64().ok()?;
            let width = usize::from(heads.u8().ok()?);
            let (block, rest) = bits.split_at_checked(block_bytes(block_len, width))?;
            bits = rest;
            Some(Block {
                start,
                len: block_len,
                least,
                width,
                bits: block,
            })
        })
    }
}

impl Block<'_> {
    fn get(&self, place: usize) -> i64 {
        self.least
            .wrapping_add(bits_at(self.bits, place * self.width, self.width).cast_signed())
    }

    fn read(&self, first: usize, end: usize, numbers: &mut Vec<i64>) {
        if self.width == 0 {
            numbers.extend(std::iter::repeat_n(self.least, end.saturating_sub(first)));
        } else if self.width <= WIDTH_OF_WINDOW {
            let mask = (1_u64 << self.width) - 1;
            // Up to here a window of eight bytes lies inside the block.
            let inside = (self.bits.len().saturating_sub(7) * 8).div_ceil(self.width);
            let windows_end = end.min(inside).max(first);
            numbers.extend((first..windows_end).map(|place| {
                let bit = place * self.width;
                let window = self.bits.get(bit / 8..).and_then(<[u8]>::first_chunk::<8>);
                let window = window.map_or(0, |bytes| u64::from_le_bytes(*bytes));
                self.least
                    .wrapping_add(((window >> (bit % 8)) & mask).cast_signed())
            }));
            numbers.extend((windows_end..end).map(|place| self.get(place)));
        } else {
            numbers.extend((first..end).map(|place| self.get(place)));
        }
    }
}

const fn block_bytes(len: usize, width: usize) -> usize {
    (len * width).div_ceil(8)
}

#[inline]
fn bits_at(bits: &[u8], offset: usize, width: usize) -> u64 {
    let mask = if width == 64 {
        u64::MAX
    } else {
        (1 << width) - 1
    };
    let tail = bits.get(offset / 8..).unwrap_or_default();
    let shift = offset % 8;
    match tail.first_chunk::<8>() {
        Some(window) if width <= WIDTH_OF_WINDOW => (u64::from_le_bytes(*window) >> shift) & mask,
        _ => {
            let mut window = [0; 16];
            let count = tail.len().min(window.len());
            window[..count].copy_from_slice(&tail[..count]);
            #[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
            let low = (u128::from_le_bytes(window) >> shift) as u64;
            low & mask
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers() -> impl Strategy<Value = Vec<i64>> {
        let number = prop_oneof![
            any::<i64>(),
            -1000..1000_i64,
            Just(i64::MIN),
            Just(i64::MAX)
        ];
        let narrow = (any::<i64>(), 0..64_u32).prop_flat_map(|(base, width)| {
            let mask = (1_i64 << width).wrapping_sub(1);
            proptest::collection::vec(any::<i64>(), 0..300).prop_map(move |distances| {
                distances
                    .iter()
                    .map(|distance| base.wrapping_add(distance & mask))
                    .collect()
            })
        });
        prop_oneof![proptest::collection::vec(number, 0..300), narrow]
    }

    proptest! {
        #[test]
        fn every_number_comes_back_alone_and_in_any_range(
            numbers in numbers(), from in 0..320_usize, length in 0..320_usize,
        ) {
            let mut bytes = Vec::new();
            pack(&mut bytes, &numbers);
            let mut reader = Reader::new(&bytes);
            let packed = Packed::parse(&mut reader, numbers.len()).expect("just packed");
            prop_assert!(reader.is_empty());
            for (place, &number) in numbers.iter().enumerate() {
                prop_assert_eq!(packed.get(place), Some(number));
            }
            prop_assert_eq!(packed.get(numbers.len()), None);
            let mut range = Vec::new();
            packed.read(from, from + length, &mut range);
            let end = (from + length).min(numbers.len());
            prop_assert_eq!(&range, numbers.get(from.min(end)..end).unwrap_or_default());
        }

        #[test]
        fn an_ascending_list_is_searched_and_summed(
            mut numbers in proptest::collection::vec(-100_000..100_000_i64, 1..400), probe in -100_000..100_000_i64,
        ) {
            numbers.sort_unstable();
            numbers.dedup();
            let mut bytes = Vec::new();
            pack(&mut bytes, &numbers);
            let packed = Packed::parse(&mut Reader::new(&bytes), numbers.len()).expect("just packed");
            for (place, &number) in numbers.iter().enumerate() {
                prop_assert_eq!(packed.find_ascending(number), Some(place));
                prop_assert_eq!(packed.sum_before(place), Some(numbers[..place].iter().sum()));
            }
            prop_assert_eq!(packed.find_ascending(probe), numbers.binary_search(&probe).ok());
        }

        #[test]
        fn any_bytes_are_packed_numbers_or_malformed(bytes: Vec<u8>, len in 0..1000_usize) {
            if let Ok(packed) = Packed::parse(&mut Reader::new(&bytes), len) {
                let mut numbers = Vec::new();
                packed.read(0, len, &mut numbers);
                prop_assert_eq!(numbers.len(), len);
                let _ = packed.find_ascending(7);
                let _ = packed.sum_before(len);
            }
        }
    }
}
