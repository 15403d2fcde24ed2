//! Protocol Buffers' wire format: the fields of a message, borrowed from the bytes of the file.
//!
//! Nothing is allocated here, and a length is compared with the bytes that are there before it is used.

use landscape_files::FileError;

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'a> {
    Varint(u64),
    Fixed32([u8; 4]),
    Fixed64([u8; 8]),
    /// A text, bytes, a message, or numbers one after another.
    Bytes(&'a [u8]),
}

/// The fields of a message with their numbers, in the order of the file.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub fn of(message: &'a [u8]) -> Self {
        Fields { rest: message }
    }

    fn varint(&mut self) -> Result<u64, FileError> {
        let mut value = 0u64;
        for (i, &byte) in self.rest.iter().take(10).enumerate() {
            // The tenth byte has room for one bit.
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                self.rest = &self.rest[i + 1..];
                return Ok(value);
            }
        }
        Err(cut("a number"))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], FileError> {
        let length = usize::try_from(length).map_err(|_| cut("a field"))?;
        let (taken, rest) = { self.rest.split_at_checked(length) }.ok_or_else(|| cut("a field"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn read(&mut self) -> Result<(u64, Field<'a>), FileError> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(whole(self.take(8)?)?),
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(whole(self.take(4)?)?),
            kind => return Err(FileError::Corrupt(format!("a field of the kind {kind}"))),
        };
        Ok((tag >> 3, field))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.rest = &[];
        }
        Some(read)
    }
}

fn cut(what: &str) -> FileError {
    FileError::Corrupt(format!(
        "{what} is cut short, so it is not a complete ONNX model"
    ))
}

fn whole<const N: usize>(bytes: &[u8]) -> Result<[u8; N], FileError> {
    bytes.try_into().map_err(|_| cut("a number"))
}

fn other(expected: &str) -> FileError {
    FileError::Corrupt(format!(
        "a field is not {expected}, so it is not an ONNX model"
    ))
}

impl<'a> Field<'a> {
    pub fn bytes(self) -> Result<&'a [u8], FileError> {
        match self {
            Field::Bytes(bytes) => Ok(bytes),
            _ => Err(other("a message or a text")),
        }
    }

    pub fn text(self) -> Result<&'a str, FileError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| other("a text in UTF-8"))
    }

    pub fn integer(self) -> Result<i64, FileError> {
        match self {
            Field::Varint(value) => Ok(value as i64),
            _ => Err(other("a whole number")),
        }
    }

    pub fn float(self) -> Result<f32, FileError> {
        match self {
            Field::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(other("a number in f32")),
        }
    }

    /// Whole numbers, of which a field holds one or any number.
    pub fn integers(
        self,
        mut take: impl FnMut(i64) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        match self {
            Field::Varint(value) => take(value as i64),
            Field::Bytes(bytes) => {
                let mut packed = Fields::of(bytes);
                while !packed.rest.is_empty() {
                    take(packed.varint()? as i64)?;
                }
                Ok(())
            }
            _ => Err(other("whole numbers")),
        }
    }

    /// Numbers in f32, of which a field holds one or any number.
    pub fn floats(
        self,
        mut take: impl FnMut(f32) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        match self {
            Field::Fixed32(bytes) => take(f32::from_le_bytes(bytes)),
            Field::Bytes(bytes) => each(bytes, |bytes| take(f32::from_le_bytes(bytes))),
            _ => Err(other("numbers in f32")),
        }
    }

    /// Numbers in f64, of which a field holds one or any number.
    pub fn doubles(
        self,
        mut take: impl FnMut(f64) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        match self {
            Field::Fixed64(bytes) => take(f64::from_le_bytes(bytes)),
            Field::Bytes(bytes) => each(bytes, |bytes| take(f64::from_le_bytes(bytes))),
            _ => Err(other("numbers in f64")),
        }
    }
}

fn each<const N: usize>(
    bytes: &[u8],
    mut take: impl FnMut([u8; N]) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let (numbers, rest) = bytes.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(cut("a list of numbers"));
    }
    numbers.iter().try_for_each(|&number| take(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_order() {
        // 1: 300, 2: "ab", 3: f32 1.0, 4: packed 1 2 3
        let bytes = [
            0x08, 0xac, 0x02, 0x12, 2, b'a', b'b', 0x1d, 0, 0, 0x80, 0x3f, 0x22, 3, 1, 2, 3,
        ];
        let fields: Vec<_> = Fields::of(&bytes).map(Result::unwrap).collect();
        assert_eq!(fields[0], (1, Field::Varint(300)));
        assert_eq!(fields[1].1.text().unwrap(), "ab");
        assert_eq!(fields[2].1.float().unwrap(), 1.0);
        let mut packed = vec![];
        let take = |i| {
            packed.push(i);
            Ok(())
        };
        fields[3].1.integers(take).unwrap();
        assert_eq!(packed, [1, 2, 3]);
    }

    #[test]
    fn what_is_cut_short_is_an_error_once() {
        for bytes in [
            &[0x08u8][..],
            &[
                0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ],
            &[0x12, 3, 1],
            &[0x1d, 0, 0],
            &[0x0b],
            &[0xff; 12],
        ] {
            let mut fields = Fields::of(bytes);
            assert!(fields.next().unwrap().is_err(), "{bytes:?}");
            assert!(fields.next().is_none());
        }
    }
}
