//! The machine that a pickle is a program for, without any way to run Python.

use super::globals::{self, Global};
use super::opcodes;
use super::value::{Arena, Value};
use super::{Result, malformed};
use crate::{Budget, PickleError};
use std::collections::HashMap;

/// Opcodes of a pickle, and values that they copy. A tensor takes some forty.
const MAX_WORK: usize = 8_000_000;

/// The state of an unpickling: a stack with marks, a memo, and the objects made so far.
///
/// Memory is a few words an opcode, and there are no more opcodes than bytes and than
/// [`MAX_WORK`]; no length in the file is believed before the bytes are there.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    work: usize,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at its marks.
    marks: Vec<usize>,
    memo: HashMap<u64, Value<'a>>,
    pub(super) arena: Arena<'a>,
}

/// What a pickle gives.
#[derive(Debug)]
pub(super) struct Unpickled<'a> {
    pub(super) root: Value<'a>,
    pub(super) arena: Arena<'a>,
    /// Bytes of the pickle.
    pub(super) length: usize,
}

/// Reads the pickle at the beginning of the bytes, which may take what is left of the budget.
pub(super) fn unpickle<'a>(bytes: &'a [u8], budget: &Budget) -> Result<Unpickled<'a>> {
    let mut machine = Machine {
        bytes,
        at: 0,
        work: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        arena: Arena::default(),
    };
    loop {
        let code = machine.byte()?;
        if code == opcodes::STOP {
            break;
        }
        machine.check_work(1)?;
        machine.add_work(1);
        let step = opcodes::step(code).ok_or(PickleError::Opcode {
            code,
            at: machine.at - 1,
        })?;
        step(&mut machine)?;
        budget.check(machine.held())?;
    }
    Ok(Unpickled {
        root: machine.pop()?,
        length: machine.at,
        arena: machine.arena,
    })
}

/// Bytes of the pickle.
impl<'a> Machine<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..count).ok_or(PickleError::Truncated {
            what: "its list of tensors",
        })?;
        self.at += count;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// A little-endian number of up to eight bytes.
    pub(super) fn number(&mut self, bytes: usize) -> Result<u64> {
        let taken = self.take(bytes)?;
        Ok(taken
            .iter()
            .rev()
            .fold(0, |n, &byte| n << 8 | u64::from(byte)))
    }

    /// Bytes after their length.
    pub(super) fn counted(&mut self, length: usize) -> Result<&'a [u8]> {
        let count = self.number(length)?;
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Bytes to the end of the line.
    pub(super) fn line(&mut self) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n');
        let line = self.take(end.unwrap_or(rest.len()))?;
        self.take(1)?;
        Ok(line)
    }

    /// A number in decimal digits on a line of its own.
    pub(super) fn digits<T: std::str::FromStr>(&mut self) -> Result<T> {
        let line = self.line()?;
        let text = std::str::from_utf8(line)
            .ok()
            .map(|text| text.trim_end_matches('L'));
        text.and_then(|text| text.parse().ok())
            .ok_or_else(|| malformed("a number is unreadable"))
    }
}

/// Stack and memo.
impl<'a> Machine<'a> {
    /// Bytes of memory that are taken, with room to grow.
    fn held(&self) -> u64 {
        const WORD: usize = size_of::<Value<'static>>();
        let table = 2 * WORD * (self.stack.len() + self.marks.len()) + 4 * WORD * self.memo.len();
        (table + self.arena.held) as u64
    }

    pub(super) fn check_work(&self, more: usize) -> Result<()> {
        match self.work.saturating_add(more) > MAX_WORK {
            true => Err(PickleError::Limit {
                what: "steps",
                limit: MAX_WORK,
            }),
            false => Ok(()),
        }
    }

    pub(super) fn add_work(&mut self, more: usize) {
        self.work += more;
    }

    pub(super) fn push(&mut self, value: Value<'a>) -> Result<()> {
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn push_mark(&mut self) -> Result<()> {
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// The lowest place that may be popped.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn pop(&mut self) -> Result<Value<'a>> {
        match self.stack.len() > self.floor() {
            true => self.stack.pop().ok_or_else(underflow),
            false => Err(underflow()),
        }
    }

    /// Pops `count` values, in the order in which they were pushed.
    pub(super) fn pop_many(&mut self, count: usize) -> Result<Vec<Value<'a>>> {
        let start = self.stack.len().checked_sub(count);
        let start = start.filter(|&start| start >= self.floor());
        Ok(self.stack.split_off(start.ok_or_else(underflow)?))
    }

    /// Pops everything above the last mark, and the mark.
    pub(super) fn pop_mark(&mut self) -> Result<Vec<Value<'a>>> {
        let mark = self.marks.pop().ok_or_else(underflow)?;
        Ok(self.stack.split_off(mark))
    }

    /// Pops a value, or a mark on the top.
    pub(super) fn discard(&mut self) -> Result<()> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    pub(super) fn top(&self) -> Result<Value<'a>> {
        let above = self.stack[self.floor()..].last();
        above.copied().ok_or_else(underflow)
    }

    pub(super) fn remember(&mut self, place: u64) -> Result<()> {
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    /// Remembers at the next free place.
    pub(super) fn memoize(&mut self) -> Result<()> {
        self.remember(self.memo.len() as u64)
    }

    pub(super) fn recall(&mut self, place: u64) -> Result<()> {
        match self.memo.get(&place) {
            Some(&value) => self.push(value),
            None => Err(malformed(format!(
                "it refers to object {place}, which it never stored"
            ))),
        }
    }
}

/// Objects.
impl<'a> Machine<'a> {
    pub(super) fn push_sequence(&mut self, items: Vec<Value<'a>>) -> Result<()> {
        let value = self.arena.sequence(items);
        self.push(value)
    }

    pub(super) fn push_dict(&mut self, items: Vec<Value<'a>>) -> Result<()> {
        let value = self.arena.dict(pairs(&items)?);
        self.push(value)
    }

    /// Adds items to the list on the top.
    pub(super) fn append(&mut self, items: Vec<Value<'a>>) -> Result<()> {
        match self.top()? {
            Value::Sequence(id) => self.arena.append(id, items),
            Value::Inert | Value::Object(_) | Value::Dict(_) => {}
            _ => return Err(malformed("it appends to something that is not a list")),
        }
        Ok(())
    }

    /// Adds keys and values, in turn, to the dictionary on the top.
    pub(super) fn set_items(&mut self, items: Vec<Value<'a>>) -> Result<()> {
        let pairs = pairs(&items)?;
        match self.top()? {
            Value::Dict(id) => self.arena.set_items(id, pairs),
            Value::Object(id) => match self.arena.objects[id].items {
                Some(items) => self.arena.set_items(items, pairs),
                None => self.arena.give_items(id, pairs),
            },
            Value::Inert => {}
            _ => {
                return Err(malformed(
                    "it sets items of something that is not a dictionary",
                ));
            }
        }
        Ok(())
    }

    pub(super) fn push_global(&mut self, module: &'a [u8], name: &'a [u8]) -> Result<()> {
        let global = self.global(module, name);
        self.push(Value::Global(global))
    }

    /// What a name stands for.
    pub(super) fn global(&mut self, module: &'a [u8], name: &'a [u8]) -> Global {
        let known = globals::lookup(module, name);
        known.unwrap_or_else(|| Global::Unknown(self.arena.class(module, name)))
    }

    /// The global whose module and name are on the stack.
    pub(super) fn stack_global(&mut self) -> Result<()> {
        match (self.pop()?, self.pop()?) {
            (Value::Text(name), Value::Text(module)) => self.push_global(module, name),
            _ => Err(malformed("it names a class with something other than text")),
        }
    }

    /// Calls the class or function under its arguments.
    pub(super) fn reduce(&mut self) -> Result<()> {
        let (args, function) = (self.pop()?, self.pop()?);
        self.apply(function, args)
    }

    /// Makes an object of the class and the arguments above a mark.
    pub(super) fn object(&mut self, class: Option<Global>) -> Result<()> {
        let mut args = self.pop_mark()?;
        let class = match class {
            Some(class) => Value::Global(class),
            None if args.is_empty() => return Err(underflow()),
            None => args.remove(0),
        };
        let args = self.arena.sequence(args);
        self.apply(class, args)
    }

    fn apply(&mut self, function: Value<'a>, args: Value<'a>) -> Result<()> {
        let made = match function {
            Value::Global(function) => self.call(function, args)?,
            // What such an object gives when it is called is not known either.
            Value::Object(id) => self.arena.object(self.arena.objects[id].class),
            Value::Inert => Value::Inert,
            _ => return Err(malformed("it calls something that is not a function")),
        };
        self.push(made)
    }

    /// Gives the object under it a state. Dictionaries and tensors of weights have none that
    /// matters (`_metadata`, gradients' hooks).
    pub(super) fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        match self.top()? {
            Value::Object(id) => {
                self.arena.objects[id].state = Some(state);
                Ok(())
            }
            Value::Dict(_)
            | Value::Tensor(_)
            | Value::Inert
            | Value::Global(Global::Unknown(_)) => Ok(()),
            _ => Err(malformed("it gives a state to an object that has none")),
        }
    }

    pub(super) fn persistent_id(&mut self) -> Result<()> {
        let id = self.pop()?;
        let storage = self.persistent(id)?;
        self.push(storage)
    }
}

fn underflow() -> PickleError {
    malformed("it takes more from the stack than is there")
}

fn pairs<'a>(items: &[Value<'a>]) -> Result<Vec<(Value<'a>, Value<'a>)>> {
    let (pairs, rest) = items.as_chunks::<2>();
    match rest {
        [] => Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect()),
        _ => Err(malformed("a dictionary has a key without a value")),
    }
}
