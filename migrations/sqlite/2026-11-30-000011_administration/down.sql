DROP TABLE reset_links;
DROP TABLE locks;
DROP TABLE account_roles;
