story: The coordinator told one participant COMMIT and is gone for good: the other hears it from that one
about: doubt: another participant has the certificate
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care after sending commit
settle s1 100.00 of li at care
expect care is down
expect s1 COMMITTED at home
expect s1 COMMITTED at east within 2m
expect wang has 430.00
end without care
