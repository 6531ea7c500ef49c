//! Who the process runs as: names and groups looked up in the image, by Docker's rules.

use crate::connect::Shared;
use crate::failpoint::failpoint;
use crate::image::StoreError;
use crate::image::lease::{Lease, unique};
use crate::rpc::{self, QUICK, RpcError, SLOW};
use crate::scratch_mount;
use containerd_client::services::v1::snapshots::{RemoveSnapshotRequest, ViewSnapshotRequest};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use wharf_wait::{Wait, blocking};

/// Remembered look-ups; past this the memory starts anew.
const REMEMBERED: usize = 1024;
const LEASE: Duration = Duration::from_secs(5 * 60);

/// A process's identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ResolvedUser {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) additional_gids: Vec<u32>,
}

impl ResolvedUser {
    /// Adds the primary group to the others: else a program could drop it and pass by files closed to it (CVE-2022-36109).
    fn with_primary_group(mut self) -> Self {
        if !self.additional_gids.contains(&self.gid) {
            self.additional_gids.insert(0, self.gid);
        }
        self
    }
}

/// Why a user cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// Not in the image's `/etc/passwd`.
    #[error("unable to find user {user}: no matching entries in passwd file")]
    NoUser {
        /// The name.
        user: String,
    },
    /// Not in the image's `/etc/group`.
    #[error("unable to find group {group}: no matching entries in group file")]
    NoGroup {
        /// The name.
        group: String,
    },
    /// The image could not be looked into.
    #[error("cannot look up users in the image")]
    Image(#[source] StoreError),
    /// The image could not be mounted or read.
    #[error("cannot read the image's users")]
    Read(#[source] io::Error),
}

/// Look-ups done before. Layers never change, so an answer stays right.
#[derive(Debug, Default)]
pub(crate) struct UserCache {
    // A plain mutex, held for a look-up, never across an await.
    known: Mutex<HashMap<(String, String), ResolvedUser>>,
}

impl UserCache {
    fn get(&self, key: &(String, String)) -> Option<ResolvedUser> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: (String, String), user: ResolvedUser) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, user);
    }
}

/// Resolves `uid`, `uid:gid`, `name`, `name:group`; empty is root.
pub(crate) async fn resolve_user(
    shared: &Shared,
    chain_id: &str,
    wanted: &str,
) -> Result<ResolvedUser, UserError> {
    if let Some(user) = numeric(wanted) {
        return Ok(user.with_primary_group());
    }
    let key = (chain_id.to_owned(), wanted.to_owned());
    if let Some(user) = shared.users.get(&key) {
        return Ok(user);
    }
    let [passwd, group] =
        if chain_id.is_empty() { [None, None] } else { user_files(shared, chain_id).await? };
    let user = look_up(wanted, passwd.as_deref().unwrap_or(""), group.as_deref().unwrap_or(""))?
        .with_primary_group();
    shared.users.put(key, user.clone());
    Ok(user)
}

/// `uid:gid` in numbers says everything: no groups are added, nothing is looked up.
fn numeric(wanted: &str) -> Option<ResolvedUser> {
    let (uid, gid) = wanted.split_once(':')?;
    Some(ResolvedUser { uid: id(uid)?, gid: id(gid)?, additional_gids: Vec::new() })
}

/// A number that the kernel takes for an id; -1 means "none" to it.
fn id(text: &str) -> Option<u32> {
    text.parse::<u32>().ok().filter(|id| *id <= i32::MAX.cast_unsigned())
}

async fn user_files(shared: &Shared, chain_id: &str) -> Result<[Option<String>; 2], UserError> {
    let rpc = |error: RpcError| UserError::Image(error.into());
    let lease = Lease::take(shared, "users", LEASE).await.map_err(rpc)?;
    failpoint!("users.leased");
    let key = format!("wharf-users-{}", unique());
    let snapshotter = shared.config.snapshotter.clone();
    let request = ViewSnapshotRequest {
        snapshotter: snapshotter.clone(),
        key: key.clone(),
        parent: chain_id.to_owned(),
        ..ViewSnapshotRequest::default()
    };
    let mut snapshots = shared.snapshots_in(&lease.scope);
    let files = match rpc::call("Snapshots.View", QUICK, snapshots.view(request)).await {
        Ok(view) => {
            failpoint!("users.viewed");
            read_users(view.mounts).await
        }
        Err(error) => Err(rpc(error)),
    };
    failpoint!("users.read" if files.is_ok());
    let request = RemoveSnapshotRequest { snapshotter, key };
    let removed = rpc::found(rpc::call("Snapshots.Remove", SLOW, snapshots.remove(request)).await);
    failpoint!("users.view-removed" if removed.is_ok());
    if let Err(error) = removed {
        tracing::warn!(%error, "view of an image not removed, containerd will collect it");
    }
    lease.end(true).await;
    files
}

async fn read_users(mounts: Vec<containerd_client::types::Mount>) -> Result<[Option<String>; 2], UserError> {
    let read = move || scratch_mount::read_files(mounts, ["etc/passwd", "etc/group"]);
    let looking = Wait::named("the users of an image").owner("containerd client").at_most(SLOW);
    let files = looking
        .of(blocking(read))
        .await
        .unwrap_or_else(|late| Err(io::Error::new(ErrorKind::TimedOut, late)));
    files.map_err(UserError::Read)
}

fn look_up(wanted: &str, passwd: &str, group: &str) -> Result<ResolvedUser, UserError> {
    let (user, group_name) = wanted.split_once(':').unwrap_or((wanted, ""));
    let number = if user.is_empty() { Some(0) } else { id(user) };
    let entry = passwd.lines().filter_map(PasswdEntry::parse).find(|entry| match number {
        Some(uid) => entry.uid == uid,
        None => entry.name == user,
    });
    let (uid, gid) = match (&entry, number) {
        (Some(entry), _) => (entry.uid, entry.gid),
        (None, Some(uid)) => (uid, 0),
        (None, None) => return Err(UserError::NoUser { user: user.to_owned() }),
    };
    let mut groups = group.lines().filter_map(GroupEntry::parse);
    if !group_name.is_empty() {
        let number = id(group_name);
        let found = groups.find(|group| match number {
            Some(gid) => group.gid == gid,
            None => group.name == group_name,
        });
        let gid = found.map(|group| group.gid).or(number);
        let gid = gid.ok_or_else(|| UserError::NoGroup { group: group_name.to_owned() })?;
        return Ok(ResolvedUser { uid, gid, additional_gids: Vec::new() });
    }
    let name = entry.map_or("", |entry| entry.name);
    let of_user =
        groups.filter(|group| !name.is_empty() && group.members.split(',').any(|member| member == name));
    Ok(ResolvedUser { uid, gid, additional_gids: of_user.map(|group| group.gid).collect() })
}

/// Looks a user up in the two files of an image; its uid, its gid and all its groups. For tests that feed it what an image should
/// not hold.
#[doc(hidden)]
pub fn try_users(wanted: &str, passwd: &str, group: &str) -> Result<(u32, u32, Vec<u32>), UserError> {
    let found = numeric(wanted).map_or_else(|| look_up(wanted, passwd, group), Ok)?.with_primary_group();
    Ok((found.uid, found.gid, found.additional_gids))
}

struct PasswdEntry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
}

impl<'a> PasswdEntry<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.trim().split(':');
        let (name, _password) = (fields.next()?, fields.next()?);
        Some(Self { name, uid: id(fields.next()?)?, gid: id(fields.next()?)? })
    }
}

struct GroupEntry<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

impl<'a> GroupEntry<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.trim().split(':');
        let (name, _password) = (fields.next()?, fields.next()?);
        Some(Self { name, gid: id(fields.next()?)?, members: fields.next().unwrap_or("") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\n# comment\nbad line\napp:x:1000:1001::/home/app:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nwheel:x:10:root,app\napp:x:1001:\nnet:x:33:app\n";

    fn user(uid: u32, gid: u32, additional_gids: &[u32]) -> ResolvedUser {
        ResolvedUser { uid, gid, additional_gids: additional_gids.to_vec() }
    }

    #[test]
    fn users_and_groups_are_found_as_docker_finds_them() {
        for (wanted, expected) in [
            ("", user(0, 0, &[10])),
            ("root", user(0, 0, &[10])),
            ("app", user(1000, 1001, &[10, 33])),
            ("1000", user(1000, 1001, &[10, 33])),
            ("4242", user(4242, 0, &[])),
            ("app:wheel", user(1000, 10, &[])),
            ("app:77", user(1000, 77, &[])),
            ("1000:net", user(1000, 33, &[])),
        ] {
            assert_eq!(look_up(wanted, PASSWD, GROUP).unwrap(), expected, "{wanted}");
        }
        assert_eq!(numeric("7:8"), Some(user(7, 8, &[])));
        assert_eq!(numeric("4294967295:0"), None);
    }

    #[test]
    fn an_image_without_users_knows_numbers_and_root_only() {
        assert_eq!(look_up("", "", "").unwrap(), user(0, 0, &[]));
        assert_eq!(look_up("12", "", "").unwrap(), user(12, 0, &[]));
        assert!(matches!(look_up("app", "", ""), Err(UserError::NoUser { .. })));
        assert!(matches!(look_up("0:staff", "", ""), Err(UserError::NoGroup { .. })));
    }
}
