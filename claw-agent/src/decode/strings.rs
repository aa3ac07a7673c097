//! A list of strings in the kernel's own form: one after the other, each with its NUL, as they will be in the
//! new image.

/// An argument list or an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Strings {
    area: Vec<u8>,
    /// Where each string ends, NUL included.
    ends: Vec<usize>,
}

impl Strings {
    /// No strings.
    pub(crate) const EMPTY: Self = Self { area: Vec::new(), ends: Vec::new() };

    /// The bytes as they will stand in the new image.
    pub(crate) fn area(&self) -> &[u8] {
        &self.area
    }

    /// How many strings there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Appends a string, which holds no NUL.
    pub(crate) fn push(&mut self, string: &[u8]) {
        debug_assert!(!string.contains(&0), "a NUL inside an argument");
        self.area.extend_from_slice(string);
        self.area.push(0);
        self.ends.push(self.area.len());
    }

    /// Starts a string whose pieces [`Strings::extend`] appends.
    pub(crate) fn extend(&mut self, piece: &[u8]) {
        self.area.extend_from_slice(piece);
    }

    /// Ends the string that [`Strings::extend`] began.
    pub(crate) fn finish(&mut self) {
        self.area.push(0);
        self.ends.push(self.area.len());
    }

    /// The strings in order, without their NULs.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        (0..self.ends.len()).map(|index| self.at(index))
    }

    fn at(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.area[start..self.ends[index] - 1]
    }

    /// Splits an area that the kernel reports. A last string without NUL counts.
    pub(crate) fn from_area(area: &[u8]) -> Self {
        let mut strings = Self::default();
        let area = area.strip_suffix(&[0]).unwrap_or(area);
        if !area.is_empty() {
            area.split(|byte| *byte == 0).for_each(|string| strings.push(string));
        }
        strings
    }
}

impl<'a> FromIterator<&'a [u8]> for Strings {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(list: I) -> Self {
        let mut strings = Self::default();
        list.into_iter().for_each(|string| strings.push(string));
        strings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_what_the_kernel_builds() {
        let strings: Strings = [&b"psql"[..], b"", b"-c"].into_iter().collect();
        assert_eq!(strings.area(), b"psql\0\0-c\0");
        assert_eq!(strings.iter().collect::<Vec<_>>(), [&b"psql"[..], b"", b"-c"]);
        assert_eq!(Strings::from_area(strings.area()), strings);
        assert_eq!(Strings::from_area(b"").len(), 0);
    }
}
