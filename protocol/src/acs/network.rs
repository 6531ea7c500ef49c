//! Elastic network interfaces as attach messages and tasks carry them (spec 3.5).

wire! {
    /// The `ElasticNetworkInterface` shape.
    pub struct ElasticNetworkInterface {
        /// The `name` of the public model.
        name: Option<String>,
        /// The `macAddress` of the public model.
        mac_address: Option<String>,
        /// The `attachmentArn` of the public model.
        attachment_arn: Option<String>,
        /// The `ec2Id` of the public model.
        ec2_id: Option<String>,
        /// The `index` of the public model.
        index: Option<i64>,
        /// The `interfaceAssociationProtocol` of the public model.
        interface_association_protocol: Option<String>,
        /// The `interfaceTunnelProperties` of the public model.
        interface_tunnel_properties: Option<NetworkInterfaceTunnelProperties>,
        /// The `interfaceVethProperties` of the public model.
        interface_veth_properties: Option<NetworkInterfaceVethProperties>,
        /// The `interfaceVlanProperties` of the public model.
        interface_vlan_properties: Option<NetworkInterfaceVlanProperties>,
        /// The `ipv4Addresses` of the public model.
        ipv4_addresses: Vec<IPv4AddressAssignment>,
        /// The `ipv6Addresses` of the public model.
        ipv6_addresses: Vec<IPv6AddressAssignment>,
        /// The `domainName` of the public model.
        domain_name: Vec<String>,
        /// The `domainNameServers` of the public model.
        domain_name_servers: Vec<String>,
        /// The `privateDnsName` of the public model.
        private_dns_name: Option<String>,
        /// The `subnetGatewayIpv4Address` of the public model.
        subnet_gateway_ipv4_address: Option<String>,
        /// The `subnetGatewayIpv6Address` of the public model.
        subnet_gateway_ipv6_address: Option<String>,
    }

    /// The `IPv4AddressAssignment` shape.
    pub struct IPv4AddressAssignment {
        /// The `privateAddress` of the public model.
        private_address: Option<String>,
        /// The `primary` of the public model.
        primary: Option<bool>,
    }

    /// The `IPv6AddressAssignment` shape.
    pub struct IPv6AddressAssignment {
        /// The `address` of the public model.
        address: Option<String>,
        /// The `primary` of the public model.
        primary: Option<bool>,
    }

    /// The `NetworkInterfaceTunnelProperties` shape.
    pub struct NetworkInterfaceTunnelProperties {
        /// The `tunnelId` of the public model.
        tunnel_id: Option<String>,
        /// The `interfaceIpAddress` of the public model.
        interface_ip_address: Option<String>,
    }

    /// The `NetworkInterfaceVethProperties` shape.
    pub struct NetworkInterfaceVethProperties {
        /// The `peerInterface` of the public model.
        peer_interface: Option<String>,
    }

    /// The `NetworkInterfaceVlanProperties` shape.
    pub struct NetworkInterfaceVlanProperties {
        /// The `vlanId` of the public model.
        vlan_id: Option<String>,
        /// The `trunkInterfaceMacAddress` of the public model.
        trunk_interface_mac_address: Option<String>,
    }
}
