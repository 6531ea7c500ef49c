//! Shapes of operations that only operators call: tags, attributes, families. Names are those of the public model.

use serde::{Deserialize, Serialize};
use wharf_protocol::api::{Attribute, Operation, Tag};

macro_rules! operation {
    ($name:ident, $wire:literal, $request:ident => $response:ident) => {
        #[doc = concat!("The operation `", $wire, "`.")]
        #[derive(Debug)]
        pub struct $name;

        impl Operation for $name {
            const NAME: &'static str = $wire;
            type Request = $request;
            type Response = $response;
        }
    };
}

operation!(ListFamilies, "ListTaskDefinitionFamilies", ListFamiliesRequest => ListFamiliesResponse);
operation!(TagResource, "TagResource", TagRequest => Empty);
operation!(UntagResource, "UntagResource", UntagRequest => Empty);
operation!(PutAttributes, "PutAttributes", AttributesRequest => AttributesResponse);
operation!(DeleteAttributes, "DeleteAttributes", AttributesRequest => AttributesResponse);
operation!(ListAttributes, "ListAttributes", ListAttributesRequest => AttributesResponse);

/// `ListTaskDefinitionFamilies`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListFamiliesRequest {
    /// Beginning of the names.
    pub family_prefix: Option<String>,
    /// `ACTIVE`, `INACTIVE` or `ALL`.
    pub status: Option<String>,
    /// Where to go on.
    pub next_token: Option<String>,
    /// Size of the page.
    pub max_results: Option<i64>,
}

/// Names of families.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListFamiliesResponse {
    /// The page.
    pub families: Vec<String>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// `TagResource`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TagRequest {
    /// What to tag.
    pub resource_arn: Option<String>,
    /// Tags to add.
    pub tags: Vec<Tag>,
}

/// `UntagResource`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UntagRequest {
    /// What to untag.
    pub resource_arn: Option<String>,
    /// Keys of the tags to take away.
    pub tag_keys: Vec<String>,
}

/// An answer that says nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Empty {}

/// `PutAttributes` and `DeleteAttributes`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttributesRequest {
    /// Which cluster.
    pub cluster: Option<String>,
    /// Attributes, each with the instance it is for.
    pub attributes: Vec<Attribute>,
}

/// Attributes.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttributesResponse {
    /// The attributes.
    pub attributes: Vec<Attribute>,
    /// Where the next page begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// `ListAttributes`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListAttributesRequest {
    /// Which cluster.
    pub cluster: Option<String>,
    /// `container-instance`.
    pub target_type: Option<String>,
    /// Only attributes of this name.
    pub attribute_name: Option<String>,
    /// Only attributes with this value.
    pub attribute_value: Option<String>,
    /// Where to go on.
    pub next_token: Option<String>,
    /// Size of the page.
    pub max_results: Option<i64>,
}
