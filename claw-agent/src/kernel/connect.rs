//! The connect rules of each session, as the kernel side looks them up (`claw-ebpf/src/connect.rs`).
//!
//! Rules are replaced as a whole. The next generation is written next to the current one, and then a single
//! write switches to it, so one generation decides each connection. The old rules stay until the next change,
//! for a program that has just read their generation number.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{Array, MapData, MapError};
use aya::{Ebpf, Pod};
use claw_common::net::{KEY4, KEY6, NO_RULE, OWNER_BITS, PORT_TABLE_WORDS, PortRange};
use claw_common::session::{GENERATION, SHUT, State, slot};
use claw_policy::Policy;
use claw_policy::connect::{self, Compiled, Protocol};

use super::object::{Refused, map};

/// A port table in a trie.
type Table = [u64; PORT_TABLE_WORDS];

/// A longest-prefix map of port tables.
type Trie<const WORDS: usize> = LpmTrie<MapData, [u32; WORDS], Table>;

/// The maps that decide connections.
pub(super) struct Connections {
    /// How many sessions there is room for.
    room: u32,
    maps: Mutex<Maps>,
}

struct Maps {
    net4: Trie<KEY4>,
    net6: Trie<KEY6>,
    states: Array<MapData, State>,
    sessions: HashMap<u32, Session>,
}

/// What the maps hold for one session.
#[derive(Default)]
struct Session {
    state: State,
    /// The generations in the maps: the current one last, its predecessor before it.
    generations: Vec<Entries>,
}

/// Where the tries hold the rules of one generation.
#[derive(Default)]
struct Entries {
    v4: Vec<Key<[u32; KEY4]>>,
    v6: Vec<Key<[u32; KEY6]>>,
}

impl Connections {
    /// Takes the maps out of a loaded object.
    ///
    /// # Errors
    /// If it lacks one.
    pub(super) fn of(ebpf: &mut Ebpf, room: u32) -> Result<Self, Refused> {
        let maps = Maps {
            net4: map(ebpf, "NET4")?,
            net6: map(ebpf, "NET6")?,
            states: map(ebpf, "SESSIONS")?,
            sessions: HashMap::new(),
        };
        Ok(Self { room, maps: Mutex::new(maps) })
    }

    /// Puts the rules of `policy` in force for a session, under this generation's number.
    ///
    /// # Errors
    /// If they do not fit; the old rules stay in force then.
    pub(super) fn adopt(
        &self,
        session: u32,
        generation: u32,
        policy: &Policy,
    ) -> Result<(), Refused> {
        let compiled = connect::compile(policy.connect(), policy.defaults().connect)
            .map_err(|_| Refused::TooManyRanges)?;
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Entries::default();
        if let Err(error) = maps.fill([session, generation], &compiled, &mut entries) {
            maps.remove(&entries);
            return Err(error);
        }
        let mut state = maps.sessions.entry(session).or_default().state;
        state[GENERATION] = generation;
        if let Err(error) = maps.set(slot(session, self.room), session, state) {
            maps.remove(&entries);
            return Err(Refused::Map { map: "SESSIONS", error });
        }
        let generations = &mut maps.sessions.entry(session).or_default().generations;
        generations.push(entries);
        let past = generations.len().saturating_sub(2);
        let past: Vec<Entries> = generations.drain(..past).collect();
        past.iter().for_each(|entries| maps.remove(entries));
        Ok(())
    }

    /// Starts or stops refusing every connection of a session. Refused connections are counted.
    ///
    /// # Errors
    /// If the map cannot be written; it stays as it was.
    pub(super) fn shut(&self, session: u32, shut: bool) -> Result<(), MapError> {
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut state) = maps.sessions.get(&session).map(|known| known.state) else {
            return Ok(());
        };
        if (state[SHUT] != 0) == shut {
            return Ok(());
        }
        state[SHUT] = u32::from(shut);
        maps.set(slot(session, self.room), session, state)
    }

    /// Drops the rules of a session that has ended.
    pub(super) fn forget(&self, session: u32) {
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        let known = maps.sessions.remove(&session);
        known.into_iter().flat_map(|known| known.generations).for_each(|old| maps.remove(&old));
        // No process of the session is left, and the next session in this slot writes its own state.
        let _ = maps.states.set(slot(session, self.room), State::default(), 0);
    }
}

impl Maps {
    /// Puts the rules of `owner`, a session and a generation, into the tries, and notes where.
    fn fill(
        &mut self,
        owner: [u32; 2],
        compiled: &Compiled,
        entries: &mut Entries,
    ) -> Result<(), Refused> {
        for (net, ranges) in &compiled.v4 {
            let key = key4(owner, net.addr(), net.prefix_len());
            insert(&mut self.net4, "NET4", &key, table(compiled, ranges))?;
            entries.v4.push(key);
        }
        for (net, ranges) in &compiled.v6 {
            let key = key6(owner, net.addr(), net.prefix_len());
            insert(&mut self.net6, "NET6", &key, table(compiled, ranges))?;
            entries.v6.push(key);
        }
        Ok(())
    }

    fn remove(&mut self, entries: &Entries) {
        // An entry may be gone already. One that stays belongs to an old generation, and decides nothing.
        entries.v4.iter().for_each(|key| drop(self.net4.remove(key)));
        entries.v6.iter().for_each(|key| drop(self.net6.remove(key)));
    }

    fn set(&mut self, slot: u32, session: u32, state: State) -> Result<(), MapError> {
        self.states.set(slot, state, 0)?;
        self.sessions.entry(session).or_default().state = state;
        Ok(())
    }
}

fn key4([session, generation]: [u32; 2], net: Ipv4Addr, bits: u8) -> Key<[u32; KEY4]> {
    let address = u32::from_ne_bytes(net.octets());
    Key::new(OWNER_BITS + u32::from(bits), [session, generation, address])
}

fn key6([session, generation]: [u32; 2], net: Ipv6Addr, bits: u8) -> Key<[u32; KEY6]> {
    let mut words = [session, generation, 0, 0, 0, 0];
    for (word, octets) in words[2..].iter_mut().zip(net.octets().as_chunks().0) {
        *word = u32::from_ne_bytes(*octets);
    }
    Key::new(OWNER_BITS + u32::from(bits), words)
}

fn insert<const WORDS: usize>(
    trie: &mut Trie<WORDS>,
    map: &'static str,
    key: &Key<[u32; WORDS]>,
    table: Table,
) -> Result<(), Refused>
where
    [u32; WORDS]: Pod,
{
    trie.insert(key, table, 0).map_err(|error| Refused::Map { map, error })
}

/// The kernel's form of one network's rules. The default is its last entry.
fn table(compiled: &Compiled, ranges: &[connect::PortRange]) -> Table {
    let default = PortRange {
        low: 0,
        high: u16::MAX,
        protocol: 0,
        allow: compiled.default.runs(),
        rule: NO_RULE,
    };
    let ranges = ranges.iter().map(|range| PortRange {
        low: range.lo,
        high: range.hi,
        protocol: match range.protocol {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
        },
        allow: range.verdict.runs(),
        rule: u16::try_from(range.rule).unwrap_or(NO_RULE),
    });
    let mut table = [0; PORT_TABLE_WORDS];
    let (count, words) = table.split_at_mut(1);
    for (word, range) in words.iter_mut().zip(ranges.chain([default])) {
        *word = range.to_word();
        count[0] += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_covers_the_session_and_the_generation() {
        let (four, six) = (Ipv4Addr::new(10, 1, 0, 0), "fd00::".parse().expect("an address"));
        for (bits, whole) in [(0, 64), (16, 80), (32, 96)] {
            assert_eq!(key4([7, 3], four, bits).prefix_len(), whole);
        }
        for (bits, whole) in [(0, 64), (8, 72), (128, 192)] {
            assert_eq!(key6([7, 3], six, bits).prefix_len(), whole);
        }
        assert_eq!(key4([7, 3], four, 16).data()[..2], [7, 3]);
        assert_eq!(key6([7, 3], six, 8).data()[..2], [7, 3]);
    }

    #[test]
    fn an_address_stands_in_its_key_as_on_the_wire() {
        let bytes = |words: &[u32]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_ne_bytes()).collect()
        };
        let four = Ipv4Addr::new(10, 1, 2, 3);
        assert_eq!(bytes(&key4([7, 3], four, 32).data()[2..]), four.octets());
        let six: Ipv6Addr = "fd00:1:2::3".parse().expect("an address");
        assert_eq!(bytes(&key6([7, 3], six, 128).data()[2..]), six.octets());
    }
}
