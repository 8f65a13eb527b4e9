story: The acknowledgement of a commit is lost; the commit comes again and is acknowledged again
about: participant COMMITTED, COMMIT: ack_again
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

lose next ack from east to care
settle s1 100.00 of li at care
expect s1 done
expect s1 paid by li 30.00, wang 70.00
expect s1 COMMITTED at east
for 500ms expect s1 not ENDED at care
let ack pass from east to care
expect s1 ENDED at care within 10s
expect wang has 430.00
