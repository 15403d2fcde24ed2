//! The opcodes of pickle protocols 0 to 5, as in Python's `pickletools`.

use super::machine::Machine;
use super::value::Value;
use super::{Result, malformed};

/// The end of a pickle.
pub(super) const STOP: u8 = b'.';

/// What an opcode does.
pub(super) type Step = for<'a> fn(&mut Machine<'a>) -> Result<()>;

/// The table. Not in it, for no file of weights has them: textual persistent identifiers (`P`),
/// copyreg's extension codes (0x82 to 0x84), and buffers outside the file (0x97, 0x98).
pub(super) fn step(code: u8) -> Option<Step> {
    let step: Step = match code {
        // Stack and memo.
        b'(' => |m| m.push_mark(),
        b'0' => |m| m.discard(),
        b'1' => |m| m.pop_mark().map(drop),
        b'2' => |m| m.top().and_then(|top| m.push(top)),
        b'p' => |m| m.digits().and_then(|place| m.remember(place)),
        b'q' => |m| m.number(1).and_then(|place| m.remember(place)),
        b'r' => |m| m.number(4).and_then(|place| m.remember(place)),
        0x94 => |m| m.memoize(),
        b'g' => |m| m.digits().and_then(|place| m.recall(place)),
        b'h' => |m| m.number(1).and_then(|place| m.recall(place)),
        b'j' => |m| m.number(4).and_then(|place| m.recall(place)),
        // Protocol and frames.
        0x80 => protocol,
        0x95 => |m| m.number(8).map(drop),
        // Constants and numbers.
        b'N' => |m| m.push(Value::None),
        0x88 => |m| m.push(Value::Bool(true)),
        0x89 => |m| m.push(Value::Bool(false)),
        b'I' => int,
        b'L' => |m| m.digits().and_then(|n| m.push(Value::Int(n))),
        b'J' => |m| {
            m.number(4)
                .and_then(|n| m.push(Value::Int(i64::from(n as u32 as i32))))
        },
        b'K' => |m| m.number(1).and_then(|n| m.push(Value::Int(n as i64))),
        b'M' => |m| m.number(2).and_then(|n| m.push(Value::Int(n as i64))),
        0x8a => |m| m.counted(1).and_then(|bytes| long(m, bytes)),
        0x8b => |m| m.counted(4).and_then(|bytes| long(m, bytes)),
        b'F' => |m| m.line().and_then(|_| m.push(Value::Inert)),
        b'G' => |m| m.take(8).and_then(|_| m.push(Value::Inert)),
        // Texts and bytes.
        b'S' => quoted,
        b'V' => |m| m.line().and_then(|text| m.push(Value::Text(text))),
        b'U' | b'C' | 0x8c => |m| m.counted(1).and_then(|text| m.push(Value::Text(text))),
        b'T' | b'X' | b'B' => |m| m.counted(4).and_then(|text| m.push(Value::Text(text))),
        0x8d | 0x8e | 0x96 => |m| m.counted(8).and_then(|text| m.push(Value::Text(text))),
        // Lists, tuples, sets.
        b']' | b')' => |m| m.push_sequence(Vec::new()),
        b'l' | b't' => |m| m.pop_mark().and_then(|items| m.push_sequence(items)),
        0x85 => |m| m.pop_many(1).and_then(|items| m.push_sequence(items)),
        0x86 => |m| m.pop_many(2).and_then(|items| m.push_sequence(items)),
        0x87 => |m| m.pop_many(3).and_then(|items| m.push_sequence(items)),
        b'a' => |m| m.pop_many(1).and_then(|items| m.append(items)),
        b'e' | 0x90 => |m| m.pop_mark().and_then(|items| m.append(items)),
        0x8f => |m| m.push(Value::Inert),
        0x91 => |m| m.pop_mark().and_then(|_| m.push(Value::Inert)),
        // Dictionaries.
        b'}' => |m| m.push_dict(Vec::new()),
        b'd' => |m| m.pop_mark().and_then(|items| m.push_dict(items)),
        b's' => |m| m.pop_many(2).and_then(|items| m.set_items(items)),
        b'u' => |m| m.pop_mark().and_then(|items| m.set_items(items)),
        // Objects.
        b'c' => global,
        0x93 => |m| m.stack_global(),
        b'R' | 0x81 => |m| m.reduce(),
        0x92 => |m| m.pop().and_then(|_| m.reduce()),
        b'o' => |m| m.object(None),
        b'i' => instance,
        b'b' => |m| m.build(),
        b'Q' => |m| m.persistent_id(),
        _ => return None,
    };
    Some(step)
}

fn protocol(machine: &mut Machine<'_>) -> Result<()> {
    match machine.byte()? {
        0..=5 => Ok(()),
        newer => Err(malformed(format!("pickle protocol {newer} does not exist"))),
    }
}

/// `I01` and `I00` are true and false.
fn int(machine: &mut Machine<'_>) -> Result<()> {
    let line = machine.line()?;
    let value = match line {
        b"01" => Some(Value::Bool(true)),
        b"00" => Some(Value::Bool(false)),
        digits => {
            let text = std::str::from_utf8(digits).ok();
            text.and_then(|text| text.parse().ok()).map(Value::Int)
        }
    };
    machine.push(value.ok_or_else(|| malformed("a number is unreadable"))?)
}

/// Two's complement, little endian; no bytes are 0.
fn long<'a>(machine: &mut Machine<'a>, bytes: &'a [u8]) -> Result<()> {
    if bytes.len() > 8 {
        return machine.push(Value::Long(bytes));
    }
    let sign = match bytes.last() {
        Some(last) if last & 0x80 != 0 => -1,
        _ => 0,
    };
    let join = |n: i64, &byte: &u8| n << 8 | i64::from(byte);
    machine.push(Value::Int(bytes.iter().rev().fold(sign, join)))
}

/// A text as Python prints it. Names of tensors have nothing to escape; what has is not looked at.
fn quoted(machine: &mut Machine<'_>) -> Result<()> {
    let line = machine.line()?;
    match line {
        [b'\'', text @ .., b'\''] | [b'"', text @ .., b'"'] if !text.contains(&b'\\') => {
            machine.push(Value::Text(text))
        }
        [b'\'', .., b'\''] | [b'"', .., b'"'] => machine.push(Value::Inert),
        _ => Err(malformed("a text has no quotes")),
    }
}

fn global(machine: &mut Machine<'_>) -> Result<()> {
    let (module, name) = (machine.line()?, machine.line()?);
    machine.push_global(module, name)
}

fn instance(machine: &mut Machine<'_>) -> Result<()> {
    let (module, name) = (machine.line()?, machine.line()?);
    let class = machine.global(module, name);
    machine.object(Some(class))
}
