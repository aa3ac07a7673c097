//! libpg_query's typed tree as a plain one: every node by its name, every field that is not empty.
//!
//! The tree is made through the serde implementation that pg_query derives for its nodes, field by
//! field. So nothing is left out, and a node that a new release adds arrives here under its new name,
//! where the reader does not know it and says so.

use serde::ser::{self, Serialize};

/// A value of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::language::sql) enum Tree {
    Node(Node),
    List(Vec<Tree>),
    Text(String),
    Number(i64),
    Flag(bool),
    /// Empty, zero, false or absent, which the tree does not tell apart.
    Nothing,
}

/// A node: its name, as `nodes/parsenodes.h` calls it but for underscores, and its fields.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::language::sql) struct Node {
    pub(super) name: &'static str,
    pub(super) fields: Vec<(&'static str, Tree)>,
}

const NOTHING: &Tree = &Tree::Nothing;

impl Node {
    /// A field, [`Tree::Nothing`] where it is empty.
    pub(super) fn field(&self, name: &str) -> &Tree {
        self.fields.iter().find(|(known, _)| *known == name).map_or(NOTHING, |(_, value)| value)
    }

    pub(super) fn node(&self, name: &str) -> Option<&Node> {
        self.field(name).as_node()
    }

    pub(super) fn text(&self, name: &str) -> &str {
        match self.field(name) {
            Tree::Text(text) => text,
            _ => "",
        }
    }

    pub(super) fn number(&self, name: &str) -> i64 {
        match self.field(name) {
            Tree::Number(number) => *number,
            _ => 0,
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.field(name), Tree::Flag(true))
    }

    pub(super) fn list(&self, name: &str) -> &[Tree] {
        match self.field(name) {
            Tree::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn nodes(&self, name: &str) -> impl Iterator<Item = &Node> {
        self.list(name).iter().filter_map(Tree::as_node)
    }
}

impl Tree {
    pub(super) fn as_node(&self) -> Option<&Node> {
        match self {
            Self::Node(node) => Some(node),
            _ => None,
        }
    }

    /// The tree of a value of libpg_query.
    pub(super) fn of(value: &impl Serialize) -> Result<Self, Unexpected> {
        value.serialize(Builder)
    }
}

/// What pg_query's nodes do not hold.
#[derive(Debug, thiserror::Error)]
#[error("the syntax tree holds {0}")]
pub(in crate::language::sql) struct Unexpected(String);

impl ser::Error for Unexpected {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Fields that say only where a node stands, and differ between equal texts.
const PLACES: &[&str] = &[
    "location",
    "list_start",
    "list_end",
    "rexpr_list_start",
    "rexpr_list_end",
    "arg_location",
    "stmt_location",
    "stmt_len",
];

struct Builder;

macro_rules! unexpected {
    ($($method:ident($kind:ty)),* $(,)?) => {
        $(fn $method(self, _: $kind) -> Result<Tree, Unexpected> {
            Err(Unexpected(format!("a value of type {}", stringify!($kind))))
        })*
    };
}

impl ser::Serializer for Builder {
    type Ok = Tree;
    type Error = Unexpected;
    type SerializeSeq = Items;
    type SerializeTuple = ser::Impossible<Tree, Unexpected>;
    type SerializeTupleStruct = ser::Impossible<Tree, Unexpected>;
    type SerializeTupleVariant = ser::Impossible<Tree, Unexpected>;
    type SerializeMap = ser::Impossible<Tree, Unexpected>;
    type SerializeStruct = Node;
    type SerializeStructVariant = ser::Impossible<Tree, Unexpected>;

    unexpected!(
        serialize_f32(f32),
        serialize_f64(f64),
        serialize_char(char),
        serialize_bytes(&[u8]),
        serialize_unit_struct(&'static str)
    );

    fn serialize_bool(self, value: bool) -> Result<Tree, Unexpected> {
        Ok(if value { Tree::Flag(true) } else { Tree::Nothing })
    }
    fn serialize_i64(self, value: i64) -> Result<Tree, Unexpected> {
        Ok(if value == 0 { Tree::Nothing } else { Tree::Number(value) })
    }
    fn serialize_i8(self, value: i8) -> Result<Tree, Unexpected> {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<Tree, Unexpected> {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<Tree, Unexpected> {
        self.serialize_i64(value.into())
    }
    fn serialize_u8(self, value: u8) -> Result<Tree, Unexpected> {
        self.serialize_i64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<Tree, Unexpected> {
        self.serialize_i64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<Tree, Unexpected> {
        self.serialize_i64(value.into())
    }
    fn serialize_u64(self, value: u64) -> Result<Tree, Unexpected> {
        // Only query identifiers are this wide, and only the server fills them in.
        self.serialize_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }
    fn serialize_str(self, value: &str) -> Result<Tree, Unexpected> {
        Ok(if value.is_empty() { Tree::Nothing } else { Tree::Text(value.to_owned()) })
    }
    fn serialize_none(self) -> Result<Tree, Unexpected> {
        Ok(Tree::Nothing)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, Unexpected> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Tree, Unexpected> {
        Ok(Tree::Nothing)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<Tree, Unexpected> {
        self.serialize_i64(index.into())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Tree, Unexpected> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<Tree, Unexpected> {
        value.serialize(self)
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Items, Unexpected> {
        Ok(Items(Vec::with_capacity(len.unwrap_or(0))))
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Unexpected> {
        Err(Unexpected("a tuple".to_owned()))
    }
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Unexpected> {
        Err(Unexpected(format!("a tuple `{name}`")))
    }
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unexpected> {
        Err(Unexpected(format!("a tuple variant of `{name}`")))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unexpected> {
        Err(Unexpected("a map".to_owned()))
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Node, Unexpected> {
        Ok(Node { name, fields: Vec::new() })
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unexpected> {
        Err(Unexpected(format!("a struct variant of `{name}`")))
    }
}

pub(super) struct Items(Vec<Tree>);

impl ser::SerializeSeq for Items {
    type Ok = Tree;
    type Error = Unexpected;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unexpected> {
        self.0.push(value.serialize(Builder)?);
        Ok(())
    }
    fn end(self) -> Result<Tree, Unexpected> {
        Ok(if self.0.is_empty() { Tree::Nothing } else { Tree::List(self.0) })
    }
}

impl ser::SerializeStruct for Node {
    type Ok = Tree;
    type Error = Unexpected;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unexpected> {
        if !PLACES.contains(&name) {
            let value = value.serialize(Builder)?;
            if value != Tree::Nothing {
                self.fields.push((name, value));
            }
        }
        Ok(())
    }

    fn end(mut self) -> Result<Tree, Unexpected> {
        // `Node` is only the sum of all nodes.
        if self.name == "Node" {
            return Ok(self.fields.pop().map_or(Tree::Nothing, |(_, inner)| inner));
        }
        Ok(Tree::Node(self))
    }
}
