//! Elastic network interfaces as attach messages and tasks carry them (spec 3.5).

wire! {
    /// An elastic network interface.
    pub struct ElasticNetworkInterface {
        /// Name the container sees, such as `eth0`.
        name: Option<String>,
        /// MAC address, which is how the agent recognises the interface.
        mac_address: Option<String>,
        /// ARN of the attachment.
        attachment_arn: Option<String>,
        /// Id of the interface, `eni-…`.
        ec2_id: Option<String>,
        /// Index of the interface.
        index: Option<i64>,
        /// How the interface reaches the instance: `default`, `tunnel`, `veth`, `vlan`.
        interface_association_protocol: Option<String>,
        /// Tunnel, for `tunnel`; agents refuse it.
        interface_tunnel_properties: Option<NetworkInterfaceTunnelProperties>,
        /// Peer of a veth pair, for `veth`; agents refuse it.
        interface_veth_properties: Option<NetworkInterfaceVethProperties>,
        /// VLAN of a branch interface, for `vlan`.
        interface_vlan_properties: Option<NetworkInterfaceVlanProperties>,
        /// IPv4 addresses.
        ipv4_addresses: Vec<IPv4AddressAssignment>,
        /// IPv6 addresses.
        ipv6_addresses: Vec<IPv6AddressAssignment>,
        /// Search domains.
        domain_name: Vec<String>,
        /// Name servers.
        domain_name_servers: Vec<String>,
        /// Private host name.
        private_dns_name: Option<String>,
        /// Gateway of the subnet as `address/prefix`.
        subnet_gateway_ipv4_address: Option<String>,
        /// Gateway of the subnet as `address/prefix`, for interfaces without IPv4.
        subnet_gateway_ipv6_address: Option<String>,
    }

    /// An IPv4 address of an interface.
    pub struct IPv4AddressAssignment {
        /// Private IPv4 address.
        private_address: Option<String>,
        /// Whether this is the interface's first address.
        primary: Option<bool>,
    }

    /// An IPv6 address of an interface.
    pub struct IPv6AddressAssignment {
        /// IPv6 address.
        address: Option<String>,
        /// Whether this is the interface's first address.
        primary: Option<bool>,
    }

    /// A tunnel to the instance.
    pub struct NetworkInterfaceTunnelProperties {
        /// Id of the tunnel.
        tunnel_id: Option<String>,
        /// Address of the tunnel's interface.
        interface_ip_address: Option<String>,
    }

    /// A veth pair to the instance.
    pub struct NetworkInterfaceVethProperties {
        /// Name of the peer.
        peer_interface: Option<String>,
    }

    /// A VLAN branch of the instance's trunk interface.
    pub struct NetworkInterfaceVlanProperties {
        /// VLAN id, as a decimal string.
        vlan_id: Option<String>,
        /// MAC address of the trunk interface.
        trunk_interface_mac_address: Option<String>,
    }
}
