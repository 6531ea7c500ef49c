//! A transaction: all of its changes happen at once or none does, optionally only if the ruleset is still the one that was read.

use std::net::Ipv4Addr;

use netlink_bindings::nftables::{
    Chained, Nfgenmsg, OpGetgenDo, OpGetsetelemDump, PushSetelemListAttrs, Request, SetelemListElemAttrs,
};
use netlink_bindings::traits::Pusher;
use netlink_bindings::utils::ErrorContext;
use netlink_sys::protocols::NETLINK_NETFILTER;
use nix::errno::Errno;

use super::rule::{self, Expression};
use crate::netlink::{RequestError, Socket};

/// The family `ip` of tables and chains.
const NFPROTO_IPV4: u8 = 2;
/// What begin and end of a transaction name as their subsystem.
const NFNL_SUBSYS_NFTABLES: u16 = 10;
/// The set type `ipv4_addr` as the nft program numbers it, so that it lists our set readably.
const TYPE_IPV4_ADDR: u32 = 7;
/// The tag of a comment in an element's user data, as the nft program writes it.
const UDATA_COMMENT: u8 = 0;
/// Sequence numbers set aside per transaction; more messages than this is a bug.
const MAX_MESSAGES: u32 = 4096;
/// The list of elements is one attribute, at most 64 KiB long.
const ELEMENTS_PER_MESSAGE: usize = 500;

/// A socket to nftables, bound to the namespace of the thread that opened it.
pub(crate) struct Nft(Socket);

/// Where a base chain is hooked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    Input,
    Output,
    Postrouting,
}

/// A base chain with the policy accept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain {
    pub name: &'static str,
    pub kind: &'static str,
    pub hook: Hook,
    pub priority: i32,
}

/// A transaction in the making.
pub(crate) struct Batch<'a> {
    table: &'a str,
    messages: Chained<'static>,
    first: u32,
    count: u32,
}

impl Nft {
    pub(crate) fn open() -> Result<Self, RequestError> {
        Socket::open(NETLINK_NETFILTER).map(Self)
    }

    /// The generation of the ruleset: it changes with every transaction of anyone.
    pub(crate) fn generation(&mut self) -> Result<u32, RequestError> {
        let answers = self.0.ask_typed(&Request::new().op_getgen_do(&Nfgenmsg::new()))?;
        let answer = answers.first().ok_or_else(|| RequestError::Garbled("no generation".into()))?;
        let (_, attributes) =
            <OpGetgenDo<'_> as netlink_bindings::traits::NetlinkRequest>::decode_reply(answer);
        attributes.get_id().map_err(garbled)
    }

    /// The elements of an address set with their comments; none where the table or set is missing.
    pub(crate) fn elements(
        &mut self,
        table: &str,
        set: &str,
    ) -> Result<Option<Vec<(Ipv4Addr, String)>>, RequestError> {
        let mut request = Request::new().op_getsetelem_dump(&header());
        request.encode().push_table_bytes(table.as_bytes()).push_set_bytes(set.as_bytes());
        let answers = match self.0.ask_typed(&request) {
            Ok(answers) => answers,
            Err(error) if error.errno() == Some(Errno::ENOENT) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for answer in &answers {
            read_elements(answer, &mut found).map_err(garbled)?;
        }
        Ok(Some(found))
    }

    /// How many rules a chain has; none where the table or chain is missing.
    pub(crate) fn count_rules(&mut self, table: &str, chain: &str) -> Result<usize, RequestError> {
        let mut request = Request::new().op_getrule_dump(&header());
        request.encode().push_table_bytes(table.as_bytes()).push_chain_bytes(chain.as_bytes());
        match self.0.ask_typed(&request) {
            Ok(answers) => Ok(answers.len()),
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Begins a transaction on `table`; with a generation it succeeds only while the ruleset has that generation.
    pub(crate) fn begin<'a>(&mut self, table: &'a str, generation: Option<u32>) -> Batch<'a> {
        let first = self.0.reserve(MAX_MESSAGES);
        let mut batch = Batch { table, messages: Chained::new(first), first, count: 0 };
        let mut begin = batch.request().op_batch_begin_do(&frame());
        if let Some(generation) = generation {
            begin.encode().push_genid(generation);
        }
        batch
    }

    /// Does everything in the transaction, or nothing.
    pub(crate) fn commit(&mut self, mut batch: Batch<'_>) -> Result<(), RequestError> {
        batch.request().op_batch_end_do(&frame());
        let sequences = batch.first..batch.first + batch.count;
        self.0.commit(&batch.messages.finalize(), sequences)
    }
}

impl Batch<'_> {
    fn request(&mut self) -> Request<'_> {
        self.count += 1;
        assert!(self.count <= MAX_MESSAGES, "a transaction outgrew its sequence numbers");
        self.messages.request()
    }

    /// Makes the table unless it is there.
    pub(crate) fn ensure_table(&mut self) {
        let table = self.table.as_bytes();
        self.request().set_create().op_newtable_do(&header()).encode().push_name_bytes(table);
    }

    /// Deletes the table and all in it; it must be there.
    pub(crate) fn delete_table(&mut self) {
        let table = self.table.as_bytes();
        self.request().op_deltable_do(&header()).encode().push_name_bytes(table);
    }

    /// Makes a set of IPv4 addresses unless it is there.
    pub(crate) fn ensure_address_set(&mut self, set: &str) {
        let table = self.table.as_bytes();
        let id = self.count;
        self.request()
            .set_create()
            .op_newset_do(&header())
            .encode()
            .push_table_bytes(table)
            .push_name_bytes(set.as_bytes())
            .push_flags(0)
            .push_key_type(TYPE_IPV4_ADDR)
            .push_key_len(4)
            .push_id(id);
    }

    /// Makes a base chain unless it is there, and empties it.
    pub(crate) fn ensure_empty_chain(&mut self, chain: Chain) {
        let table = self.table.as_bytes();
        self.request()
            .set_create()
            .op_newchain_do(&header())
            .encode()
            .push_table_bytes(table)
            .push_name_bytes(chain.name.as_bytes())
            .nested_hook()
            .push_num(chain.hook.number())
            .push_priority(chain.priority)
            .end_nested()
            .push_policy(rule::ACCEPT)
            .push_type_bytes(chain.kind.as_bytes());
        self.request()
            .op_delrule_do(&header())
            .encode()
            .push_table_bytes(table)
            .push_chain_bytes(chain.name.as_bytes());
    }

    /// Appends a rule to a chain.
    pub(crate) fn append_rule(&mut self, chain: Chain, expressions: &[Expression<'_>]) {
        let table = self.table.as_bytes();
        let mut request = self.request().set_create().set_append().op_newrule_do(&header());
        let list = request
            .encode()
            .push_table_bytes(table)
            .push_chain_bytes(chain.name.as_bytes())
            .nested_expressions();
        expressions.iter().fold(list, rule::push);
    }

    /// Puts addresses with a comment into a set; one that is there keeps its comment.
    pub(crate) fn add_elements(&mut self, set: &str, addresses: &[Ipv4Addr], comment: &str) {
        let table = self.table.as_bytes();
        for some in addresses.chunks(ELEMENTS_PER_MESSAGE) {
            let mut request = self.request().set_create().op_newsetelem_do(&header());
            push_elements(request.encode(), table, set, some, Some(comment));
        }
    }

    /// Takes addresses out of a set; they must be there.
    pub(crate) fn delete_elements(&mut self, set: &str, addresses: &[Ipv4Addr]) {
        let table = self.table.as_bytes();
        for some in addresses.chunks(ELEMENTS_PER_MESSAGE) {
            let mut request = self.request().op_delsetelem_do(&header());
            push_elements(request.encode(), table, set, some, None);
        }
    }
}

impl Hook {
    /// The kernel's number of the hook in the family `ip`.
    fn number(self) -> u32 {
        match self {
            Self::Input => 1,
            Self::Output => 3,
            Self::Postrouting => 4,
        }
    }
}

fn push_elements<P: Pusher>(
    list: PushSetelemListAttrs<P>,
    table: &[u8],
    set: &str,
    addresses: &[Ipv4Addr],
    comment: Option<&str>,
) {
    let mut elements = list.push_table_bytes(table).push_set_bytes(set.as_bytes()).nested_elements();
    for address in addresses {
        let mut element = elements.nested_elem().nested_key().push_value(&address.octets()).end_nested();
        if let Some(comment) = comment {
            element = element.push_userdata(&comment_data(comment));
        }
        elements = element.end_nested();
    }
}

/// A comment as user data: tag, length, text with its final zero.
fn comment_data(comment: &str) -> Vec<u8> {
    let length = u8::try_from(comment.len() + 1).expect("comments are interface names");
    let mut data = vec![UDATA_COMMENT, length];
    data.extend(comment.as_bytes());
    data.push(0);
    data
}

fn read_elements(answer: &[u8], found: &mut Vec<(Ipv4Addr, String)>) -> Result<(), ErrorContext> {
    let (_, list) = <OpGetsetelemDump<'_> as netlink_bindings::traits::NetlinkRequest>::decode_reply(answer);
    let Ok(elements) = list.get_elements() else { return Ok(()) };
    for element in elements {
        let SetelemListElemAttrs::Elem(element) = element?;
        let key = element.get_key()?.get_value()?;
        let comment = element.get_userdata().map(read_comment).unwrap_or_default();
        if let Ok(octets) = <[u8; 4]>::try_from(key) {
            found.push((Ipv4Addr::from(octets), comment));
        }
    }
    Ok(())
}

/// The comment in user data, empty where there is none.
fn read_comment(mut data: &[u8]) -> String {
    while let [tag, length, rest @ ..] = data {
        let Some((value, next)) = rest.split_at_checked(usize::from(*length)) else { break };
        if *tag == UDATA_COMMENT {
            return String::from_utf8_lossy(value).trim_end_matches('\0').to_owned();
        }
        data = next;
    }
    String::new()
}

fn garbled(error: ErrorContext) -> RequestError {
    RequestError::Garbled(error.to_string())
}

fn header() -> Nfgenmsg {
    Nfgenmsg { nfgen_family: NFPROTO_IPV4, ..Nfgenmsg::default() }
}

fn frame() -> Nfgenmsg {
    let mut frame = Nfgenmsg::new();
    frame.set_res_id(NFNL_SUBSYS_NFTABLES);
    frame
}
