//! The paths that containers may ask for, as values. Source: spec 6.1 and 6.2, features 11.

/// What a request asks for; ids are taken as they stand, they may name nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path<'a> {
    /// `/v1/credentials?id=<id>` or `/v2/credentials/<id>`.
    Credentials {
        /// `1` or `2`: it stands in error messages.
        version: u8,
        /// Credentials id, possibly empty.
        id: &'a str,
    },
    /// Something about the container whose metadata id this is.
    Metadata {
        /// Form of the answer.
        version: Version,
        /// Metadata id, possibly empty.
        id: &'a str,
        /// What about it.
        what: What,
    },
}

/// Version of the metadata paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `/v3/…`: the older, smaller bodies; lookups fail with 400.
    V3,
    /// `/v4/…`: lookups fail with 404.
    V4,
}

/// What is asked about a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// `/<id>`: the container.
    Container,
    /// `/<id>/task`: its task.
    Task,
    /// `/<id>/taskWithTags`: its task, with tags.
    TaskWithTags,
    /// `/<id>/stats`: use of resources by the container.
    Stats,
    /// `/<id>/task/stats`: use of resources by every container of its task.
    TaskStats,
    /// `/<id>/associations/<type>`.
    Associations,
    /// `/<id>/associations/<type>/<name>`.
    Association,
}

impl<'a> Path<'a> {
    /// Reads path and query of a request; `None` for what is not served at all.
    pub fn parse(path: &'a str, query: Option<&'a str>) -> Option<Self> {
        let parts: Vec<&str> = path.strip_prefix('/')?.splitn(7, '/').collect();
        match parts[..] {
            ["v1", "credentials"] => Some(Self::Credentials { version: 1, id: id_of_query(query) }),
            ["v2", "credentials"] => Some(Self::Credentials { version: 2, id: "" }),
            ["v2", "credentials", id] => Some(Self::Credentials { version: 2, id }),
            ["v3", id, ref rest @ ..] => Self::metadata(Version::V3, id, rest),
            ["v4", id, ref rest @ ..] => Self::metadata(Version::V4, id, rest),
            _ => None,
        }
    }

    fn metadata(version: Version, id: &'a str, rest: &[&str]) -> Option<Self> {
        let what = match rest {
            [] | [""] => What::Container,
            ["task"] => What::Task,
            ["taskWithTags"] => What::TaskWithTags,
            ["stats"] => What::Stats,
            ["task", "stats"] => What::TaskStats,
            ["associations", _] => What::Associations,
            ["associations", _, _] => What::Association,
            _ => return None,
        };
        Some(Self::Metadata { version, id, what })
    }
}

fn id_of_query(query: Option<&str>) -> &str {
    query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("id=")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(id: &str, what: What) -> Option<Path<'_>> {
        Some(Path::Metadata { version: Version::V4, id, what })
    }

    #[test]
    fn every_path_of_the_protocol_is_known() {
        assert_eq!(Path::parse("/v4/x", None), v4("x", What::Container));
        assert_eq!(Path::parse("/v4/x/", None), v4("x", What::Container));
        assert_eq!(Path::parse("/v4/x/task", None), v4("x", What::Task));
        assert_eq!(Path::parse("/v4/x/taskWithTags", None), v4("x", What::TaskWithTags));
        assert_eq!(Path::parse("/v4/x/stats", None), v4("x", What::Stats));
        assert_eq!(Path::parse("/v4/x/task/stats", None), v4("x", What::TaskStats));
        assert_eq!(Path::parse("/v4/x/associations/elastic-inference", None), v4("x", What::Associations));
        assert_eq!(Path::parse("/v4/x/associations/elastic-inference/d1", None), v4("x", What::Association));
        let v3 = Path::Metadata { version: Version::V3, id: "x", what: What::Task };
        assert_eq!(Path::parse("/v3/x/task", None), Some(v3));
        assert_eq!(Path::parse("/v2/credentials/c", None), Some(Path::Credentials { version: 2, id: "c" }));
        let first = Some(Path::Credentials { version: 1, id: "c" });
        assert_eq!(Path::parse("/v1/credentials", Some("a=b&id=c")), first);
    }

    #[test]
    fn a_missing_id_is_an_empty_id() {
        assert_eq!(Path::parse("/v4/", None), v4("", What::Container));
        for path in ["/v2/credentials", "/v2/credentials/"] {
            assert_eq!(Path::parse(path, None), Some(Path::Credentials { version: 2, id: "" }));
        }
        assert_eq!(Path::parse("/v1/credentials", None), Some(Path::Credentials { version: 1, id: "" }));
    }

    #[test]
    fn anything_else_is_not_served() {
        for path in
            ["", "/", "/v4", "/v5/x", "/v4/x/task/other", "/v4/x/a/b/c/d/e/f", "/v2/credentials/a/b", "v4/x"]
        {
            assert_eq!(Path::parse(path, None), None, "{path}");
        }
    }
}
